// The list of traces: found by the search box and the filters, newest or longest first.
import { address, changed, go } from "./address.js";
import { colour } from "./colours.js";
import { check, choice, range, text } from "./controls.js";
import { button, el, serviceMark } from "./dom.js";
import { clock, counted, duration, whole } from "./format.js";
import { remember } from "./heading.js";
import { describe } from "./keys.js";
import { ListView } from "./listview.js";

const STATUS = [["", "any"], "error", "2xx", "4xx", "5xx"];
const SORT = [
  ["", "newest first"], ["-time", "oldest first"], ["duration", "longest first"], ["-duration", "shortest first"],
];
const PLAIN = ["q", "service", "name", "status", "errors", "min_duration", "edge", "sort"];

describe("↓ ↑", "the next, the previous row (j, k too)", "In a list");
describe("Enter", "open it", "In a list");

let left = {}; // the list that the reader left for a trace, and where he was in it

export default class TracesView extends ListView {
  constructor(main) {
    const edge = el("span");
    edge.sync = (asked) => edge.replaceChildren(...chipOf(asked.get("edge")));
    const controls = [
      choice("Service", "service", () => this.anyService()),
      text("Span", "name", { placeholder: "part of its name" }),
      choice("Status", "status", () => STATUS),
      check("failed only", "errors"),
      text("Longer than", "min_duration", { placeholder: "250ms", short: true }),
      ...range(),
      choice("Sort", "sort", () => SORT),
      edge,
    ];
    super(main, { title: "Traces", noun: "traces", path: "api/traces", controls });
  }

  show(found, place, moved) {
    remember(location.hash || "#/traces");
    const { list, scroll, key } = left;
    left = {};
    super.show(found, place, moved);
    if (list !== location.hash) return;
    this.paint(this.items.length);
    this.main.scrollTop = scroll;
    this.list.querySelector(`[data-key="${CSS.escape(key)}"] a`)?.focus({ preventScroll: true });
  }

  key(trace) {
    return trace.trace_id;
  }

  wanted(asked) {
    const attributes = asked.getAll("attribute").map((pair) => ["attribute", pair]);
    return [...PLAIN.map((name) => [name, asked.get(name)]), ...attributes];
  }

  draw() {
    this.longest = Math.max(...this.latest.items.map((trace) => trace.duration), 1);
    super.draw();
  }

  nothing(wanted) {
    const filtered = [...wanted.keys()].some((name) => !["limit", "sort"].includes(name));
    return filtered ? "No trace fits." : "No traces yet. Send a request to a service, and its trace appears here.";
  }

  item(trace) {
    const { code, status } = trace;
    const bad = failed(trace);
    const marks = [
      trace.errors > 0 && el("span.mark.error", counted(trace.errors, "error")),
      trace.sentry > 0 && el("span.mark.error", "Sentry"),
      trace.dead_letter && el("span.mark.error", "dead letter"),
      trace.replayed && el("span.mark.warn", "replayed"),
      !trace.complete && el("span.mark", "no root yet"),
      trace.linked.length > 0 && el("span.mark", `${whole(trace.linked.length)} linked`),
    ];
    const share = Math.max((trace.duration / this.longest) * 100, 1);
    const leave = () => {
      left = { list: location.hash, scroll: this.main.scrollTop, key: trace.trace_id };
    };
    const classes = `item ${colour(trace.service)}${bad ? " failed" : ""}`;
    return el("a", { class: classes, href: address("trace", trace.trace_id), onclick: leave },
      el("span.time", clock(trace.start)),
      el("span.title.service", el("b", { title: trace.title }, trace.title || "(no name)"), marks),
      el(code >= 400 || bad ? "span.code.error" : "span.code", { title: trace.status_text },
        code ? String(code) : status === "error" ? status : ""),
      el("span.span-of", el("i", { style: { width: `${share}%` } }), el("span", duration(trace.duration))),
      el("span.size", counted(trace.spans, "span")),
      el("span.services", trace.services.map(serviceMark)),
    );
  }
}

/** The edge of the map that the list is filtered by; it can be taken away. */
function chipOf(edge) {
  if (!edge) return [];
  const said = edge.replace(/\b(service|topic|database|external):/g, "").replace(">", " → ");
  const without = button("✕", () => go(changed({ edge: "" })), { "aria-label": `Without ${said}` });
  return [el("span.chip", el("span", said), without)];
}

function failed(trace) {
  return trace.errors > 0 || trace.sentry > 0 || trace.status === "error";
}
