// A log line as the views show it.
import { el } from "./dom.js";
import { clock } from "./format.js";

/** "error", "warn" or "": how loud a level is. */
export function loudness(level) {
  if (/ERR|CRIT|FATAL/i.test(level)) return "error";
  return /WARN/i.test(level) ? "warn" : "";
}

/** The mark of a level. */
export function levelMark(level) {
  return el("span", { class: `level mark ${loudness(level)}` }, level || "–");
}

/** Time, level and message, for a span's details. */
export function logLine({ time, level, message }) {
  return el("span", { class: `logline ${loudness(level)}` },
    el("span.faint", clock(time)),
    levelMark(level),
    el("span.message", message),
  );
}
