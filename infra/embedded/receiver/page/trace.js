// One trace: the waterfall, attributes on click, links both ways, log lines and Sentry events.
import { clock, colour, counted, duration, element, load } from "./dom.js";

const NAMED_LINKS = 12; // traces that are looked up for the names of their spans

/** Draw a trace into `place`; `chosen` is the id of the span to open, `moved` says to go there. */
export async function renderTrace(place, trace, chosen, moved) {
  const names = await linkedNames(trace);
  const open = new Set([...place.querySelectorAll('[aria-expanded="true"]')].map((b) => b.dataset.span));
  if (chosen) open.add(chosen);
  const context = { trace, names, open, ...bounds(trace) };
  place.replaceChildren(heading(context), waterfall(context), beside(context));
  if (!moved) return;
  const target = chosen ? place.querySelector(`[data-span="${CSS.escape(chosen)}"]`) : null;
  if (target) target.focus();
  else place.focus({ preventScroll: true });
  (target ?? place).scrollIntoView({ block: "nearest" });
}

function bounds(trace) {
  const start = Math.min(...trace.spans.map((span) => span.start));
  const end = Math.max(...trace.spans.map((span) => span.end));
  return { start, length: Math.max(end - start, 1) };
}

/** What a link leads to, as "traceId/spanId" → span, for the first few linked traces. */
async function linkedNames(trace) {
  const ids = new Set(trace.spans.flatMap((span) => span.links.map((link) => link.trace_id)));
  for (const link of trace.linked_from) ids.add(link.from_trace_id);
  const wanted = [...ids].slice(0, NAMED_LINKS);
  const found = await Promise.all(wanted.map((id) => load(`api/traces/${encodeURIComponent(id)}`)));
  const spans = found.flatMap((other) => other?.spans ?? []);
  return new Map(spans.map((span) => [`${span.trace_id}/${span.span_id}`, span]));
}

function heading({ trace, start, length }) {
  const root = trace.spans.find((span) => !span.parent_id) ?? trace.spans[0];
  const services = [...new Set(trace.spans.map((span) => span.service))];
  return element(
    "header",
    {},
    element("h2", {}, root.name),
    element("p", { class: "facts" }, `trace ${trace.trace_id} · ${clock(start)} · ${duration(length)} · ${counted(trace.spans.length, "span")}`),
    element("p", {}, ...services.map((name) => element("span", { class: `service ${colour(name)}` }, name))),
  );
}

function waterfall(context) {
  const items = inOrder(context.trace.spans).map(({ span, depth }) => spanItem(span, depth, context));
  return element("ol", { class: "waterfall", "aria-label": "Spans" }, ...items);
}

/** Spans below their parents, siblings by their start; one whose parent is not here is a root. */
function inOrder(spans) {
  const ids = new Set(spans.map((span) => span.span_id));
  const children = new Map();
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const parent = ids.has(span.parent_id) ? span.parent_id : "";
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const ordered = [];
  const visit = (parent, depth) => {
    for (const span of children.get(parent) ?? []) {
      ordered.push({ span, depth });
      visit(span.span_id, depth + 1);
    }
  };
  visit("", 0);
  return ordered;
}

function spanItem(span, depth, context) {
  const panel = element("div", { class: "panel", id: `panel-${span.span_id}` });
  const expanded = context.open.has(span.span_id);
  if (expanded) panel.append(attributes(span));
  else panel.hidden = true;
  const button = element(
    "button",
    {
      type: "button",
      class: span.status === "error" ? "span failed" : "span",
      "data-span": span.span_id,
      "aria-expanded": String(expanded),
      "aria-controls": panel.id,
      onclick: () => toggle(button, panel, span),
    },
    label(span, depth),
    bar(span, context),
    element("span", { class: "length" }, duration(span.end - span.start)),
  );
  return element("li", {}, button, ...links(span, context), panel);
}

function label(span, depth) {
  const made = element(
    "span",
    { class: "label" },
    element("span", { class: `service ${colour(span.service)}` }, span.service || "unknown"),
    element("span", { class: "name" }, span.name),
    element("span", { class: "kind" }, span.kind),
    span.status === "error" ? element("span", { class: "mark error" }, "error") : null,
  );
  made.style.paddingInlineStart = `${Math.min(depth, 12) * 1.1}rem`;
  return made;
}

function bar(span, { start, length }) {
  const made = element("span", { class: `bar ${colour(span.service)}` });
  const offset = Math.min(((span.start - start) / length) * 100, 99.5);
  made.style.marginInlineStart = `${offset}%`;
  made.style.width = `${Math.min(Math.max(((span.end - span.start) / length) * 100, 0.5), 100 - offset)}%`;
  return element("span", { class: "track", "aria-hidden": "true" }, made);
}

function toggle(button, panel, span) {
  const opening = panel.hidden;
  panel.hidden = !opening;
  button.setAttribute("aria-expanded", String(opening));
  if (opening && !panel.hasChildNodes()) panel.append(attributes(span));
}

function links(span, context) {
  const forward = span.links.map((link) => ["→ links to", link.trace_id, link.span_id]);
  const back = context.trace.linked_from
    .filter((link) => link.span_id === span.span_id)
    .map((link) => ["← linked from", link.from_trace_id, link.from_span_id]);
  return [...forward, ...back].map(([word, traceId, spanId]) => {
    const other = context.names.get(`${traceId}/${spanId}`);
    const name = other ? `${other.name} (${other.service})` : `span ${spanId}`;
    const anchor = element("a", { href: `#/${traceId}/${spanId}` }, `${name} in trace ${traceId.slice(0, 8)}…`);
    return element("p", { class: "link" }, `${word} `, anchor);
  });
}

function attributes(span) {
  const rows = Object.entries(span.attributes);
  if (span.status_message) rows.unshift(["status message", span.status_message]);
  rows.push(["span id", span.span_id], ["instrumentation scope", span.scope]);
  const events = span.events.map((event) =>
    element("section", { class: "event" }, element("h4", {}, `event ${event.name}, ${clock(event.time)}`), table(Object.entries(event.attributes))),
  );
  const resource = element("details", {}, element("summary", {}, "resource"), table(Object.entries(span.resource)));
  return element("div", {}, table(rows), ...events, resource);
}

function table(rows) {
  const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));
  const lines = rows.map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, text(value))),
  );
  return element("table", {}, element("tbody", {}, ...lines));
}

function beside({ trace }) {
  const names = new Map(trace.spans.map((span) => [span.span_id, span.name]));
  const jump = (id) =>
    names.has(id) ? element("a", { class: "of", href: `#/${trace.trace_id}/${id}` }, names.get(id)) : null;
  const logs = [...trace.logs].sort((a, b) => a.time - b.time).map((log) =>
    element(
      "li",
      { class: /ERROR|CRITICAL|FATAL/.test(log.level) ? "failed" : null },
      element("span", { class: "facts" }, `${clock(log.time)} ${log.level} ${log.service} `),
      element("span", { class: "message" }, log.message),
      jump(log.span_id),
    ),
  );
  const events = trace.sentry.map((event) =>
    element(
      "li",
      { class: "failed" },
      element("span", { class: "facts" }, `${clock(event.time)} ${event.level} `),
      element("span", { class: "message" }, event.message),
      jump(event.span_id),
      table(Object.entries(event.tags)),
    ),
  );
  const section = (title, items, none) =>
    element("section", {}, element("h3", {}, title), items.length ? element("ul", {}, ...items) : element("p", { class: "empty" }, none));
  return element(
    "aside",
    { "aria-label": "Log lines and errors" },
    section("Log lines", logs, "None in this trace."),
    section("Sentry events", events, "None in this trace."),
  );
}
