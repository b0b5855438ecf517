// All log lines, newest first; each leads to its span.
import { address } from "./address.js";
import { colour } from "./colours.js";
import { choice, range, text } from "./controls.js";
import { el } from "./dom.js";
import { clock } from "./format.js";
import { loudness } from "./lines.js";
import { ListView } from "./listview.js";

const LEVELS = [["", "any"], ["INFO", "INFO and up"], ["WARN", "WARN and up"], ["ERROR", "ERROR and up"]];

/** Log lines or Sentry events as a list. */
export class LinesView extends ListView {
  constructor(main, options) {
    super(main, { ...options, key: (line) => line.event_id || `${line.time} ${line.span_id} ${line.message}` });
  }

  link(line, children) {
    const bad = loudness(line.level) === "error" ? " failed" : "";
    const attributes = { class: `item ${colour(line.service)}${bad}` };
    if (!line.trace_id) return el("div", { ...attributes, tabindex: "0" }, children);
    return el("a", { ...attributes, href: address("trace", line.trace_id, { span: line.span_id }) }, children);
  }

  item(line) {
    return this.link(line, [
      el("span.time", clock(line.time)),
      el("span", { class: `level mark ${loudness(line.level)}` }, line.level || "–"),
      el("span.service", line.service || "(no service)"),
      el("span.message", { title: line.message }, line.message || "(no message)"),
      ...this.tail(line),
    ]);
  }
}

export class LogsView extends LinesView {
  constructor(main) {
    super(main, { title: "Logs", noun: "log lines", path: "api/logs", kind: "logs" });
  }

  controls(asked) {
    return [
      choice("Service", "service", [["", "any"], ...this.services], asked),
      choice("Level", "level", LEVELS, asked),
      text("Text", "text", asked, { placeholder: "part of the message" }),
      text("Trace", "trace", asked, { placeholder: "id or traceparent" }),
      range(asked),
    ];
  }

  wanted(asked) {
    const names = { service: "service", level: "min_level", text: "text", trace: "trace_id" };
    return Object.entries(names).map(([name, parameter]) => [parameter, asked.get(name)]);
  }

  tail(line) {
    return [el("span.to.mono.faint", line.trace_id ? line.trace_id.slice(0, 8) : "no trace")];
  }
}
