// The list of traces: found by the search box and the filters, newest or longest first.
import { address, changed, go } from "./address.js";
import { colour } from "./colours.js";
import { check, choice, fillBar, range, rangeAsked, text } from "./controls.js";
import { element } from "./dom.js";
import { clock, counted, duration, whole } from "./format.js";
import { describe } from "./keys.js";
import { load } from "./load.js";
import { LongList, sameQuestion } from "./longlist.js";
import { remember } from "./trace.js";

const STATUS = [["", "any"], ["error", "error"], ["2xx", "2xx"], ["4xx", "4xx"], ["5xx", "5xx"]];
const SORT = [["", "newest first"], ["-time", "oldest first"], ["duration", "longest first"], ["-duration", "shortest first"]];
const PLAIN = ["q", "service", "name", "status", "errors", "min_duration", "edge", "sort"];

describe("↓ ↑", "the next, the previous row (j, k too)", "In a list");
describe("Enter", "open it", "In a list");

let kept = { said: "", scroll: 0 }; // where the reader was, for the way back

export class TracesView {
  constructor(main) {
    this.main = main;
    this.bar = element("form", { class: "bar", "aria-label": "Filters", onsubmit: (event) => event.preventDefault() });
    this.scatter = element("div", { class: "scatter", "aria-hidden": "true" });
    this.list = new LongList({ frame: main, noun: "traces", key: (trace) => trace.trace_id, make: (trace) => this.item(trace), label: "Traces" });
    main.replaceChildren(element("h1", { class: "quiet" }, "Traces"), this.bar, this.scatter, this.list.place);
    this.services = [];
    this.longest = 1;
  }

  async show({ asked }) {
    document.title = "Traces";
    this.asked = asked;
    remember(location.hash || "#/traces");
    const { same, said } = sameQuestion(this.said);
    this.said = said;
    this.controls();
    await this.ask(!same);
    if (kept.said === said && kept.scroll) this.main.scrollTop = kept.scroll;
    kept = { said: "", scroll: 0 };
  }

  refresh() {
    return this.ask(false);
  }

  async ask(fresh) {
    const { asked } = this;
    const wanted = new URLSearchParams({ ...rangeAsked(asked), limit: String(LongList.asked(asked)) });
    for (const name of PLAIN) if (asked.get(name)) wanted.set(name, asked.get(name));
    for (const pair of asked.getAll("attribute")) wanted.append("attribute", pair);
    const [found, services] = await Promise.all([load("api/traces", wanted), load("api/services")]);
    if (asked !== this.asked) return; // the reader went on meanwhile
    this.longest = Math.max(...found.traces.map((trace) => trace.duration), 1);
    const longer = found.traces.length > this.list.items.length;
    this.list.show(found.traces, found.total, { fresh: fresh || (longer && this.rows !== LongList.asked(asked)), none: this.none(wanted) });
    this.rows = LongList.asked(asked);
    if (!this.list.held()) this.dots(found.traces);
    if (String(services) !== String(this.services)) {
      this.services = services;
      this.controls();
    }
    this.total.textContent = `${whole(found.traces.length)} of ${whole(found.total)}`;
  }

  none(wanted) {
    const filtered = [...wanted.keys()].some((name) => !["limit", "sort"].includes(name));
    return filtered ? "No trace fits." : "No traces yet. Send a request to a service, and its trace appears here.";
  }

  controls() {
    const { asked } = this;
    this.total = element("span", { class: "total" }, this.total?.textContent ?? "");
    fillBar(this.bar, [
      choice("Service", "service", [["", "any"], ...this.services], asked),
      text("Span", "name", asked, { placeholder: "part of its name" }),
      choice("Status", "status", STATUS, asked),
      check("failed only", "errors", asked),
      text("Longer than", "min_duration", asked, { placeholder: "250ms", short: true }),
      range(asked),
      choice("Sort", "sort", SORT, asked),
      this.chips(),
      this.total,
    ]);
  }

  chips() {
    const chip = (said, without) =>
      element(
        "span",
        { class: "chip" },
        element("span", {}, said),
        element("button", { type: "button", "aria-label": `Without ${said}`, onclick: () => go(without) }, "✕"),
      );
    const pairs = this.asked.getAll("attribute").map((pair) => {
      const rest = new URLSearchParams([...this.asked].filter(([name, value]) => name !== "attribute" || value !== pair));
      return chip(pair, address("traces", "", rest));
    });
    const edge = this.asked.get("edge");
    return [...pairs, edge ? chip(edge.replace(/\b(service|topic|database|external):/g, "").replace(">", " → "), changed({ edge: "" })) : null];
  }

  /** Start time across, duration upwards on a logarithmic scale: what stands out is seen at once. */
  dots(traces) {
    this.scatter.hidden = traces.length < 3;
    if (this.scatter.hidden) return;
    const starts = traces.map((trace) => trace.start);
    const [first, last] = [Math.min(...starts), Math.max(...starts)];
    const log = (value) => Math.log10(Math.max(value, 1000));
    const [low, high] = [log(Math.min(...traces.map((trace) => trace.duration))), log(this.longest)];
    const dots = traces.map((trace) =>
      element("a", {
        href: address("trace", trace.trace_id),
        tabindex: "-1",
        class: `${colour(trace.service)}${failed(trace) ? " failed" : ""}`,
        title: `${trace.title}, ${duration(trace.duration)}, ${clock(trace.start)}`,
        style: {
          left: `${((trace.start - first) / Math.max(last - first, 1)) * 100}%`,
          bottom: `${((log(trace.duration) - low) / Math.max(high - low, 1e-6)) * 100}%`,
        },
      }),
    );
    const said = (word, style) => element("span", { style }, word);
    this.scatter.replaceChildren(
      element(
        "div",
        { class: "field" },
        dots,
        said(duration(this.longest), { left: "0", top: "-6px" }),
        said(clock(first), { left: "0", bottom: "-15px" }),
        said(clock(last), { right: "0", bottom: "-15px" }),
      ),
    );
  }

  item(trace) {
    const bad = failed(trace);
    const { code } = trace;
    const marks = [
      trace.errors ? element("span", { class: "mark error" }, counted(trace.errors, "error")) : null,
      trace.sentry ? element("span", { class: "mark error" }, "Sentry") : null,
      trace.dead_letter ? element("span", { class: "mark error" }, "dead letter") : null,
      trace.replayed ? element("span", { class: "mark warn" }, "replayed") : null,
      trace.complete ? null : element("span", { class: "mark" }, "no root yet"),
      trace.linked.length ? element("span", { class: "mark" }, `${whole(trace.linked.length)} linked`) : null,
    ];
    const share = Math.max((trace.duration / this.longest) * 100, 1);
    return element(
      "li",
      {},
      element(
        "a",
        { class: `item ${colour(trace.service)}${bad ? " failed" : ""}`, href: address("trace", trace.trace_id), onclick: () => this.leave() },
        element("span", { class: "time" }, clock(trace.start)),
        element("span", { class: "title service" }, element("b", { title: trace.title }, trace.title || "(no name)"), marks),
        element("span", { class: code >= 400 || bad ? "code error" : "code", title: trace.status_text }, code ? String(code) : trace.status === "error" ? "error" : ""),
        element("span", { class: "span-of" }, element("i", { style: { width: `${share}%` } }), element("span", {}, duration(trace.duration))),
        element("span", { class: "size" }, counted(trace.spans, "span")),
        element("span", { class: "services" }, trace.services.map((name) => element("span", { class: `service ${colour(name)}` }, name || "(no service)"))),
      ),
    );
  }

  leave() {
    kept = { said: this.said, scroll: this.main.scrollTop };
  }

  refused(message) {
    this.list.list.replaceChildren();
    this.list.more.replaceChildren(`${message}.`.replace("..", "."));
    return true;
  }
}

function failed(trace) {
  return trace.errors > 0 || trace.sentry > 0 || trace.status === "error";
}
