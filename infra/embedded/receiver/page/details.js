// What is known of one span: attributes, events, log lines, Sentry events, links both ways; and, while
// none is chosen, the log lines and Sentry events of all of them.
import { address } from "./address.js";
import { colour } from "./colours.js";
import { el, table } from "./dom.js";
import { clock, counted, duration } from "./format.js";
import { logLine } from "./lines.js";

const LINES = 300;
const LINKS = 50;

/** The details of a row of the waterfall; `story` has the traces that the picture is made of. */
export function details(row, story) {
  const { span, marks, logs, sentry } = row;
  return el("div", { class: `details ${colour(span.service)}` },
    el("h2", { tabindex: "-1" }, span.name || "(no name)"),
    el("p.facts",
      el("span.service", span.service || "(no service)"),
      el("span", span.kind),
      el("span", duration(span.end - span.start)),
      el("span", `at ${clock(span.start)}`),
      span.status !== "unset" && el("span", { class: `mark ${span.status}` }, span.status),
      marks.map((mark) => el("span.mark.warn", mark)),
    ),
    span.status_message && el("p.message", span.status_message),
    section("Links", links(span, story), "ul.links-of"),
    section("Attributes", pairs(span.attributes)),
    section("Events", span.events.map((event) => eventOf(event, span))),
    section("Log lines", logs.map((log) => el("li", logLine(log))), "ul.lines-of"),
    section("Sentry", sentry.map(sentryEvent)),
    el("details",
      el("summary", "Span and resource"),
      table([
        ["trace id", span.trace_id],
        ["span id", span.span_id || "(empty)"],
        ["parent id", span.parent_id || "(none)"],
        ["scope", span.scope || "(none)"],
        ...Object.entries(span.resource),
      ]),
    ),
  );
}

/** All log lines and Sentry events of the traces; `to(span)` leads to a span. */
export function overview({ traces }, to) {
  const lines = (noun, all, make) => {
    const items = all.slice(0, LINES).map((one) => {
      const href = one.span_id && to(`${one.trace_id}/${one.span_id}`);
      return el("li", href ? el("a", { href }, make(one)) : make(one));
    });
    const none = el("p.faint", "None in these traces.");
    return [el("h3", counted(all.length, noun)), all.length ? el("ul.lines-of", items) : none];
  };
  const logs = traces.flatMap((trace) => trace.logs).sort((a, b) => a.time - b.time);
  return el("div.details",
    el("h2", { tabindex: "-1" }, "Along the way"),
    lines("log line", logs, logLine),
    lines("Sentry event", traces.flatMap((trace) => trace.sentry), sentryEvent),
  );
}

function section(title, content, list = "div") {
  return content.length > 0 && el("section", el("h3", title), el(list, content));
}

function pairs(attributes) {
  const all = Object.entries(attributes);
  return all.length ? [table(all)] : [];
}

function eventOf({ name, time, attributes }, span) {
  const head = el("p", el("b", name), ` +${duration(time - span.start)}`);
  return el("div", { class: name === "exception" ? "event failed" : "event" }, head, pairs(attributes));
}

function sentryEvent({ message, level, time, tags }) {
  const head = el("p", el("b", message || "(no message)"), ` ${level}, ${clock(time)}`);
  return el("div.event.failed", head, table(Object.entries(tags)));
}

/** What caused the span, what it led to, and the links of it that no edge was drawn for. */
function links(span, { edges, traces, missing }) {
  const end = (edge, side) => ({ trace: edge[`${side}_trace_id`], id: edge[`${side}_span_id`] });
  const isHere = ({ trace, id }) => id && trace === span.trace_id && id === span.span_id;
  const ends = (here, there, word) =>
    edges.filter((edge) => isHere(end(edge, here))).map((edge) => ({ word, ...end(edge, there), edge }));
  const known = [...ends("to", "from", "caused by"), ...ends("from", "to", "led to")];
  const others = span.links
    .filter((link) => !known.some(({ trace, id }) => trace === link.trace_id && id === link.span_id))
    .map((link) => ({ word: "links to", trace: link.trace_id, id: link.span_id }));
  const all = [...known, ...others];
  const items = all.slice(0, LINKS).map(({ word, trace, id, edge }) => {
    const other = traces.find((one) => one.trace_id === trace)?.spans.find((one) => one.span_id === id);
    const name = other ? `${other.name} (${other.service})` : `span ${id || "without an id"}`;
    const wait = edge?.wait ? `, ${duration(edge.wait)} in ${edge.topic || "between"}` : "";
    const gone = !other && missing.includes(trace) ? " (not kept)" : "";
    const to = el("a", { href: address("trace", trace, { span: id }) }, name);
    return el("li", `${word} `, to, el("span.faint", ` ${trace.slice(0, 8)}${wait}${gone}`));
  });
  return all.length > LINKS ? [...items, el("li.faint", `and ${all.length - LINKS} more`)] : items;
}
