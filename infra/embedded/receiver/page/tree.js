// The spans of one or several linked traces as a forest: what a link leads to hangs below the span
// that it points at. Of a circle of parents the receiver marks one span, which then is a root.

const ODD = {
  no_id: "no span id",
  orphan: "parent not here",
  cycle: "circle of parents",
  self_link: "linked to itself",
  bad_time: "impossible times",
  cut: "cut",
};

/**
 * The forest of `traces`; `edges` lead from a cause in one of them to an effect in another. Nodes:
 * `{key, span, logs, sentry, parent, children, edge, cause, marks}`; `edge` is the link that made a root
 * a child, `cause` the span at its other end.
 */
export function forest(traces, edges) {
  const nodes = traces.flatMap(nodesOf);
  const byId = new Map(nodes.filter(({ span }) => span.span_id).map((node) => [node.key, node]));
  const roots = [];
  for (const node of nodes) {
    const { trace_id: trace, parent_id: id, marks } = node.span;
    const parent = id && !marks.includes("cycle") && byId.get(`${trace}/${id}`);
    if (parent) hang(node, parent);
    else roots.push(node);
  }
  return grafted(roots, byId, edges);
}

function nodesOf({ trace_id: trace, spans, logs, sentry }) {
  const [lines, events] = [logs, sentry].map((all) => Map.groupBy(all, (one) => one.span_id));
  return spans.map((span, index) => ({
    key: `${trace}/${span.span_id || `#${index}`}`,
    span,
    logs: (span.span_id && lines.get(span.span_id)) || [],
    sentry: (span.span_id && events.get(span.span_id)) || [],
    parent: null,
    children: [],
    edge: null,
    cause: null,
    marks: marksOf(span),
  }));
}

function marksOf(one) {
  const marks = one.marks.map((mark) => ODD[mark] ?? mark);
  if (one.attributes["delivery.replayed"]) marks.push("replayed");
  if (one.attributes["delivery.outcome"] === "dead_letter") marks.push("dead letter");
  if (one.attributes["delivery.attempts"] > 1) marks.push(`${one.attributes["delivery.attempts"]} attempts`);
  if (one.attributes["error_injection.rule"]) marks.push("injected");
  return marks;
}

function hang(node, parent) {
  node.parent = parent;
  parent.children.push(node);
}

/** Hang each root below the first cause that an edge names, unless that makes a circle. */
function grafted(roots, byId, edges) {
  const causes = Map.groupBy(edges, (edge) => `${edge.to_trace_id}/${edge.to_span_id}`);
  const standing = [];
  for (const root of [...roots].sort(byStart)) {
    const known = (causes.get(root.key) ?? [])
      .map((edge) => ({ edge, cause: byId.get(`${edge.from_trace_id}/${edge.from_span_id}`) }))
      .filter(({ cause }) => cause && cause !== root);
    const first = known.find(({ cause }) => !above(cause, root));
    if (!first) {
      standing.push(root);
      continue;
    }
    hang(root, first.cause);
    root.edge = first.edge;
    root.cause = first.cause.span;
    if (first.edge.replayed && !root.marks.includes("replayed")) root.marks.push("replayed");
    if (first.edge.dead_letter) root.marks.push("from the dead letters");
    for (const { cause, edge } of known) {
      if (cause !== first.cause && edge.kind === "batch") cause.marks.push("in the batch above");
    }
  }
  return standing;
}

function above(node, wanted) {
  for (let one = node; one; one = one.parent) if (one === wanted) return true;
  return false;
}

function byStart(a, b) {
  return a.span.start - b.span.start || a.span.end - b.span.end;
}

/** The forest as rows from top to bottom, without what lies below a node in `folded`. */
export function rowsOf(roots, folded = new Set()) {
  const rows = [];
  const open = [];
  const push = (nodes, depth) => {
    const order = (a, b) => Number(Boolean(a.edge)) - Number(Boolean(b.edge)) || byStart(a, b); // own spans first
    const sorted = [...nodes].sort(order).map((node, index) => ({ node, depth, place: index + 1, of: nodes.length }));
    open.push(...sorted.reverse());
  };
  push(roots, 0);
  while (open.length) {
    const { node, ...where } = open.pop();
    const shut = folded.has(node.key) && node.children.length > 0;
    rows.push({ ...node, node, ...where, folded: shut });
    if (!shut) push(node.children, where.depth + 1);
  }
  return rows;
}
