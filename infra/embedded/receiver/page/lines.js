// A log line as the views show it.
import { el } from "./dom.js";
import { clock } from "./format.js";

/** "error", "warn" or "": how loud a level is. */
export function loudness(level) {
  if (/ERR|CRIT|FATAL/i.test(level)) return "error";
  return /WARN/i.test(level) ? "warn" : "";
}

/** Time, level and message, for a span's details. */
export function logLine(log) {
  return el(
    "span",
    { class: `logline ${loudness(log.level)}` },
    el("span.faint", clock(log.time)),
    el("span", { class: `level mark ${loudness(log.level)}` }, log.level || "–"),
    el("span.message", log.message),
  );
}
