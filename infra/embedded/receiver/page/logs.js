// All log lines, newest first; each leads to its span. Sentry events look the same.
import { address } from "./address.js";
import { colour } from "./colours.js";
import { choice, range, text } from "./controls.js";
import { el } from "./dom.js";
import { clock } from "./format.js";
import { levelMark, loudness } from "./lines.js";
import { ListView } from "./listview.js";

const LEVELS = [["", "any"], ["INFO", "INFO and up"], ["WARN", "WARN and up"], ["ERROR", "ERROR and up"]];
const NAMES = { service: "service", level: "min_level", text: "text", trace: "trace_id" };

export class LinesView extends ListView {
  constructor(main, options) {
    const controls = [
      choice("Service", "service", () => this.anyService()),
      choice("Level", "level", () => LEVELS),
      text("Text", "text", { placeholder: "part of the message" }),
      text("Trace", "trace", { placeholder: "id or traceparent" }),
      ...range(),
    ];
    super(main, { ...options, controls });
  }

  wanted(asked) {
    return Object.entries(NAMES).map(([name, parameter]) => [parameter, asked.get(name)]);
  }

  key(line) {
    return line.event_id || `${line.time} ${line.span_id} ${line.message}`;
  }

  item(line) {
    const origin = [line.environment, line.release].filter(Boolean).join(", "); // a Sentry event has them
    const parts = [
      el("span.time", clock(line.time)),
      levelMark(line.level),
      el("span.service", line.service || "(no service)"),
      el("span.message", { title: line.message }, line.message || "(no message)"),
      el("span.origin.faint", origin),
      el("span.to.mono.faint", line.trace_id ? line.trace_id.slice(0, 8) : "no trace"),
    ];
    const attributes = { class: `item ${colour(line.service)}${loudness(line.level) === "error" ? " failed" : ""}` };
    if (!line.trace_id) return el("div", { ...attributes, tabindex: "0" }, parts);
    return el("a", { ...attributes, href: address("trace", line.trace_id, { span: line.span_id }) }, parts);
  }
}

export default class LogsView extends LinesView {
  constructor(main) {
    super(main, { title: "Logs", noun: "log lines", path: "api/logs", kind: "logs" });
  }
}
