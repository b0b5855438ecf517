// Builds elements. Text only ever becomes text: nothing here parses HTML.

/** An element: attributes (`on…` are listeners, `class` a class), then children (nodes or text). */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Nanoseconds as "1.25 ms". */
export function duration(nanoseconds) {
  const ms = nanoseconds / 1e6;
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return ms >= 10 ? `${ms.toFixed(0)} ms` : `${ms.toFixed(2)} ms`;
}

/** "1 span", "2 spans". */
export function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Nanoseconds since the epoch as a local time of day. */
export function clock(nanoseconds) {
  const when = new Date(nanoseconds / 1e6);
  const millis = String(when.getMilliseconds()).padStart(3, "0");
  return `${when.toLocaleTimeString([], { hour12: false })}.${millis}`;
}

/** One of eight colours for a service, the same wherever it appears. */
export function colour(service) {
  let hash = 0;
  for (const char of service) hash = (hash * 31 + char.codePointAt(0)) >>> 0;
  return `service-${hash % 8}`;
}

/** The JSON of an address; null for a 404. Throws when the receiver does not answer. */
export async function load(address) {
  const answer = await fetch(address);
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`${answer.status} ${answer.statusText}`);
  return answer.json();
}
