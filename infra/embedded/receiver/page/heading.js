// What stands above a waterfall: which trace it is, how long it took, and the way back to the list.
import { address, change } from "./address.js";
import { button, el, serviceMark } from "./dom.js";
import { clock, counted, duration, whole } from "./format.js";

const ALL = "200"; // linked traces, the most that the receiver tells of at once

let list = "#/traces";

/** Where "back to the traces" leads: the list as it was left. */
export function remember(to) {
  list = to;
}

/** The parts, for the traces that are shown, of which `own` was asked for; without it, the way back alone. */
export function heading(shown, own, view) {
  const back = el("a.back", { href: list }, "← Traces");
  if (!own) return [back];
  const { story, asked, linked, body } = view;
  const spans = shown.traces.flatMap((trace) => trace.spans);
  const services = new Set(spans.map((span) => span.service));
  const errors = spans.filter((span) => span.status === "error").length;
  const others = story.traces.length - 1;
  const word = linked ? counted(others, "linked trace") : "linked traces folded";
  const pressed = { "aria-pressed": String(linked), title: "Key l" };
  return [
    back,
    el("h1", own.title || "(no name)"),
    el("p.facts",
      el("span.mono.id", own.trace_id),
      el("span", clock(own.start)),
      el("span", duration(own.end - own.start)),
      shown.traces.length > 1 && el("span", `${duration(shown.end - shown.start)} with links`),
      el("span", counted(spans.length, "span")),
      errors > 0 && el("span.mark.error", counted(errors, "error")),
      [...services].map(serviceMark),
    ),
    el("div.tools",
      others > 0 && button(word, () => view.fold(), pressed),
      left(story, asked),
      button("Log lines", () => body.classList.toggle("open"), { class: "overview" }),
      el("a", { href: address("logs", "", { trace: own.trace_id }) }, "all log lines"),
      el("a", { href: `api/traces/${own.trace_id}` }, "JSON"),
    ),
  ];
}

function left({ left_out: count, missing }, asked) {
  const said = `${whole(count)} more not drawn`;
  const all = () => change({ traces: ALL });
  return [
    count > 0 && (asked.get("traces") === ALL ? el("span.mark.warn", said) : button(said, all)),
    missing.length > 0 && el("span.mark.warn", `${whole(missing.length)} not kept`),
  ];
}
