// Numbers and times as people read them. Times come as nanoseconds since the epoch.

/** The unit of a part of a whole, 0 to 1, which is read in per cent. */
export const SHARE = "share";

/** Nanoseconds as "850 µs", "1.25 ms", "2.50 s", "3 min 20 s", "2 h 13 min". */
export function duration(nanoseconds) {
  if (!Number.isFinite(nanoseconds)) return "–";
  const ms = nanoseconds / 1e6;
  if (ms < 0) return `−${duration(-nanoseconds)}`;
  if (ms === 0) return "0 ms";
  if (ms < 1) return `${(ms * 1000).toFixed(0)} µs`;
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 100) return `${seconds.toFixed(2)} s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** "1 span", "1,016 spans". */
export function counted(number, noun) {
  return `${whole(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** 1016 as "1,016". */
export function whole(number) {
  return Math.round(number).toLocaleString("en");
}

/** A measurement in three digits with its unit: UCUM as OTLP has it ("s", "By", "{record}", "1"), or a share. */
export function quantity(value, unit = "") {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (unit === "s") return duration(value * 1e9);
  if (unit === "ms") return duration(value * 1e6);
  if (unit === "By") return bytes(value);
  if (unit === SHARE) return `${digits(value * 100)} %`;
  if (unit === "%") return `${digits(value)} %`;
  if (unit.startsWith("/")) return `${digits(value)}${unit}`;
  const word = unit === "1" ? "" : unit.replace(/[{}]/g, "");
  return word ? `${digits(value)} ${word}` : digits(value);
}

function bytes(value) {
  const power = Math.min(Math.floor(Math.log2(Math.max(Math.abs(value), 1)) / 10), 4);
  return `${digits(value / 1024 ** power)} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
}

function digits(value) {
  if (Math.abs(value) >= 100) return whole(value);
  return value.toLocaleString("en", { maximumSignificantDigits: Math.abs(value) >= 10 ? 3 : 2 });
}

/** The local time of day, to the millisecond; with the date when it is not today. */
export function clock(nanoseconds) {
  const when = new Date(nanoseconds / 1e6);
  if (!nanoseconds || Number.isNaN(when.getTime())) return "no time";
  const time = `${seconds(when)}.${String(when.getMilliseconds()).padStart(3, "0")}`;
  if (when.toDateString() === new Date().toDateString()) return time;
  return `${when.toLocaleDateString("sv")} ${time}`; // Sweden writes dates as ISO 8601 does
}

/** The local time of day to the second, from milliseconds. */
export function seconds(milliseconds) {
  return new Date(milliseconds).toLocaleTimeString("en-GB");
}
