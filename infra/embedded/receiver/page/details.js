// What is known of one span: attributes, events, log lines, Sentry events, links both ways.
import { address } from "./address.js";
import { colour } from "./colours.js";
import { el, table } from "./dom.js";
import { clock, duration } from "./format.js";
import { logLine } from "./lines.js";

/** The details of a row of the waterfall; `story` has the traces that the picture is made of. */
export function details(row, story) {
  const { span, marks } = row;
  const trace = story.traces.find((one) => one.trace_id === span.trace_id);
  const logs = trace.logs.filter((log) => log.span_id === span.span_id && span.span_id);
  const sentry = trace.sentry.filter((event) => event.span_id === span.span_id && span.span_id);
  return el(
    "div",
    { class: `details ${colour(span.service)}` },
    el("h2", { tabindex: "-1" }, span.name || "(no name)"),
    el("p.facts",
      el("span.service", span.service || "(no service)"),
      el("span", span.kind),
      el("span", duration(span.end - span.start)),
      el("span", `at ${clock(span.start)}`),
      span.status === "unset" ? null : el("span", { class: `mark ${span.status}` }, span.status),
      marks.map((mark) => el("span.mark.warn", mark)),
    ),
    span.status_message ? el("p.message", span.status_message) : null,
    links(row, story),
    section("Attributes", Object.keys(span.attributes).length ? table(Object.entries(span.attributes)) : null),
    section("Events", events(span)),
    section("Log lines", logs.length ? el("ul.lines-of", logs.map((log) => el("li", logLine(log)))) : null),
    section("Sentry", sentry.length ? sentry.map((event) => sentryEvent(event)) : null),
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

function section(title, content) {
  return content ? el("section", el("h3", title), content) : null;
}

function events(span) {
  if (!span.events.length) return null;
  return span.events.map((event) =>
    el(
      "div",
      { class: event.name === "exception" ? "event failed" : "event" },
      el("p", el("b", event.name), ` +${duration(event.time - span.start)}`),
      table(Object.entries(event.attributes)),
    ),
  );
}

/** A Sentry event in a few lines. */
export function sentryEvent(event) {
  return el("div.event.failed",
    el("p", el("b", event.message || "(no message)"), ` ${event.level}, ${clock(event.time)}`),
    table(Object.entries(event.tags)),
  );
}

function links({ span }, story) {
  const at = (to) => story.edges.filter((one) => one[`${to}_trace_id`] === span.trace_id && one[`${to}_span_id`] === span.span_id);
  const known = span.span_id ? [...at("to").map((one) => ["from", one]), ...at("from").map((one) => ["to", one])] : [];
  const drawn = new Set(known.map(([end, one]) => `${one[`${end}_trace_id`]}/${one[`${end}_span_id`]}`));
  const items = [
    ...known.map(([end, one]) => [end === "from" ? "caused by" : "led to", one[`${end}_trace_id`], one[`${end}_span_id`], one]),
    ...span.links.filter((one) => !drawn.has(`${one.trace_id}/${one.span_id}`)).map((one) => ["links to", one.trace_id, one.span_id, null]),
  ];
  if (!items.length) return null;
  const drawnItems = items.slice(0, 50).map(([word, traceId, spanId, one]) => {
    const other = story.traces.find((trace) => trace.trace_id === traceId)?.spans.find((each) => each.span_id === spanId);
    const name = other ? `${other.name} (${other.service})` : `span ${spanId || "without an id"}`;
    const href = address("trace", traceId, { span: spanId });
    const gone = !other && story.missing.includes(traceId) ? " (not kept)" : "";
    const wait = one?.wait ? `, ${duration(one.wait)} in ${one.topic || "between"}` : "";
    return el("li", `${word} `, el("a", { href }, name), el("span.faint", ` ${traceId.slice(0, 8)}${wait}${gone}`));
  });
  if (items.length > 50) drawnItems.push(el("li.faint", `and ${items.length - 50} more`));
  return section("Links", el("ul.links-of", drawnItems));
}
