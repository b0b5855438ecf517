// All log lines, newest first; each leads to its span.
import { address } from "./address.js";
import { colour } from "./colours.js";
import { choice, fillBar, range, rangeAsked, text } from "./controls.js";
import { element } from "./dom.js";
import { clock, whole } from "./format.js";
import { loudness } from "./lines.js";
import { load } from "./load.js";
import { LongList, sameQuestion } from "./longlist.js";

const LEVELS = [["", "any"], ["INFO", "INFO and up"], ["WARN", "WARN and up"], ["ERROR", "ERROR and up"]];

/** What log lines and Sentry events have in common: filters in a bar, and a list. */
export class LinesView {
  constructor(main, { title, noun, path, kind }) {
    Object.assign(this, { main, title, path });
    this.bar = element("form", { class: "bar", "aria-label": "Filters", onsubmit: (event) => event.preventDefault() });
    const key = (line) => line.event_id || `${line.time} ${line.span_id} ${line.message}`;
    this.list = new LongList({ frame: main, noun, key, make: (line) => element("li", {}, this.item(line)), label: title, kind });
    this.total = element("span", { class: "total" });
    main.replaceChildren(element("h1", { class: "quiet" }, title), this.bar, this.list.place);
    this.services = [];
  }

  async show({ asked }) {
    document.title = this.title;
    this.asked = asked;
    const { same, said } = sameQuestion(this.said);
    this.said = said;
    this.fill();
    await this.ask(!same || this.rows !== LongList.asked(asked));
  }

  refresh() {
    return this.ask(false);
  }

  async ask(fresh) {
    const { asked } = this;
    this.rows = LongList.asked(asked);
    const wanted = new URLSearchParams({ ...rangeAsked(asked), limit: String(this.rows) });
    for (const [name, value] of Object.entries(this.wanted(asked))) if (value) wanted.set(name, value);
    const found = await load(this.path, wanted);
    if (asked !== this.asked) return;
    const items = found.logs ?? found.events;
    this.list.show(items, found.total, { fresh, none: "Nothing fits." });
    this.total.textContent = `${whole(items.length)} of ${whole(found.total)}`;
    const services = found.services ?? (await load("api/services"));
    if (String(services) !== String(this.services)) {
      this.services = services;
      this.fill();
    }
  }

  fill() {
    fillBar(this.bar, [...this.controls(this.asked), range(this.asked), this.total]);
  }

  link(line, children) {
    const bad = loudness(line.level) === "error" ? " failed" : "";
    const attributes = { class: `item ${colour(line.service)}${bad}` };
    if (!line.trace_id) return element("div", { ...attributes, tabindex: "0" }, children);
    return element("a", { ...attributes, href: address("trace", line.trace_id, { span: line.span_id }) }, children);
  }

  item(line) {
    return this.link(line, [
      element("span", { class: "time" }, clock(line.time)),
      element("span", { class: `level mark ${loudness(line.level)}` }, line.level || "–"),
      element("span", { class: "service" }, line.service || "(no service)"),
      element("span", { class: "message", title: line.message }, line.message || "(no message)"),
      ...this.tail(line),
    ]);
  }

  refused(message) {
    this.list.list.replaceChildren();
    this.list.more.replaceChildren(message);
    return true;
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
    ];
  }

  wanted(asked) {
    const [service, level, text_, trace] = ["service", "level", "text", "trace"].map((name) => asked.get(name));
    return { service, min_level: level, text: text_, trace_id: trace };
  }

  tail(line) {
    return [element("span", { class: "to mono faint" }, line.trace_id ? line.trace_id.slice(0, 8) : "no trace")];
  }
}
