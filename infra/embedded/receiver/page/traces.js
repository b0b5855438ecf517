// The list of traces: found by the search box and the filters, newest or longest first.
import { address, changed, go } from "./address.js";
import { colour } from "./colours.js";
import { check, choice, range, text } from "./controls.js";
import { button, el, serviceMark } from "./dom.js";
import { clock, counted, duration, whole } from "./format.js";
import { describe } from "./keys.js";
import { ListView } from "./listview.js";
import { remember } from "./trace.js";

const STATUS = [["", "any"], ["error", "error"], ["2xx", "2xx"], ["4xx", "4xx"], ["5xx", "5xx"]];
const SORT = [["", "newest first"], ["-time", "oldest first"], ["duration", "longest first"], ["-duration", "shortest first"]];
const PLAIN = ["q", "service", "name", "status", "errors", "min_duration", "edge", "sort"];

describe("↓ ↑", "the next, the previous row (j, k too)", "In a list");
describe("Enter", "open it", "In a list");

let kept = { said: "", scroll: 0 }; // where the reader was, for the way back

export class TracesView extends ListView {
  constructor(main) {
    const scatter = el("div.scatter", { "aria-hidden": "true" });
    const key = (trace) => trace.trace_id;
    super(main, { title: "Traces", noun: "traces", path: "api/traces", key, above: [scatter] });
    this.scatter = scatter;
    this.longest = 1;
  }

  async show(place) {
    remember(location.hash || "#/traces");
    await super.show(place);
    if (kept.said === this.said && kept.scroll) this.main.scrollTop = kept.scroll;
    kept = { said: "", scroll: 0 };
  }

  wanted(asked) {
    const attributes = asked.getAll("attribute").map((pair) => ["attribute", pair]);
    return [...PLAIN.map((name) => [name, asked.get(name)]), ...attributes];
  }

  found(traces) {
    this.longest = Math.max(...traces.map((trace) => trace.duration), 1);
  }

  drawn(traces) {
    if (!this.list.held()) this.dots(traces);
  }

  none(wanted) {
    const filtered = [...wanted.keys()].some((name) => !["limit", "sort"].includes(name));
    return filtered ? "No trace fits." : "No traces yet. Send a request to a service, and its trace appears here.";
  }

  controls(asked) {
    return [
      choice("Service", "service", [["", "any"], ...this.services], asked),
      text("Span", "name", asked, { placeholder: "part of its name" }),
      choice("Status", "status", STATUS, asked),
      check("failed only", "errors", asked),
      text("Longer than", "min_duration", asked, { placeholder: "250ms", short: true }),
      range(asked),
      choice("Sort", "sort", SORT, asked),
      this.chips(),
    ];
  }

  chips() {
    const chip = (said, without) =>
      el("span.chip",
        el("span", said),
        button("✕", () => go(without), { "aria-label": `Without ${said}` }),
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
      el("a", {
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
    const said = (word, style) => el("span", { style }, word);
    this.scatter.replaceChildren(
      el("div.field",
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
      trace.errors ? el("span.mark.error", counted(trace.errors, "error")) : null,
      trace.sentry ? el("span.mark.error", "Sentry") : null,
      trace.dead_letter ? el("span.mark.error", "dead letter") : null,
      trace.replayed ? el("span.mark.warn", "replayed") : null,
      trace.complete ? null : el("span.mark", "no root yet"),
      trace.linked.length ? el("span.mark", `${whole(trace.linked.length)} linked`) : null,
    ];
    const share = Math.max((trace.duration / this.longest) * 100, 1);
    const word = code ? String(code) : trace.status === "error" ? "error" : "";
    return el(
      "a",
      {
        class: `item ${colour(trace.service)}${bad ? " failed" : ""}`,
        href: address("trace", trace.trace_id),
        onclick: () => this.leave(),
      },
      el("span.time", clock(trace.start)),
      el("span.title.service", el("b", { title: trace.title }, trace.title || "(no name)"), marks),
      el(code >= 400 || bad ? "span.code.error" : "span.code", { title: trace.status_text }, word),
      el("span.span-of", el("i", { style: { width: `${share}%` } }), el("span", duration(trace.duration))),
      el("span.size", counted(trace.spans, "span")),
      el("span.services", trace.services.map(serviceMark)),
    );
  }

  leave() {
    kept = { said: this.said, scroll: this.main.scrollTop };
  }
}

function failed(trace) {
  return trace.errors > 0 || trace.sentry > 0 || trace.status === "error";
}
