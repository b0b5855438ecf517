// The spans of one or several linked traces as a forest: what a link leads to hangs below the span
// that it points at. Holds for any input: spans without ids, doubled ones, circles of parents.

const ODD = {
  no_id: "no span id",
  orphan: "parent not here",
  cycle: "circle of parents",
  self_link: "linked to itself",
  bad_time: "impossible times",
  cut: "cut",
};

/**
 * The forest of `traces` (`{trace_id, spans}`); `edges` lead from a cause in one of them to an effect
 * in another. Nodes: `{key, span, parent, children, edge, cause, marks}`; `edge` is the link that made
 * a root a child, `cause` the span at its other end.
 */
export function forest(traces, edges) {
  const nodes = traces.flatMap((trace) => nodesOf(trace));
  const byId = new Map(nodes.filter((node) => node.span.span_id).map((node) => [keyOf(node.span), node]));
  const roots = [];
  for (const node of nodes) {
    const parent = node.span.parent_id ? byId.get(`${node.span.trace_id}/${node.span.parent_id}`) : null;
    if (parent && parent !== node) hang(node, parent);
    else roots.push(node);
  }
  roots.push(...circles(nodes, roots));
  return sorted(grafted(roots, byId, edges));
}

const keyOf = ({ trace_id: trace, span_id: id }) => `${trace}/${id}`;

function nodesOf(trace) {
  const seen = new Set();
  const nodes = [];
  for (const one of trace.spans) {
    const key = one.span_id ? keyOf(one) : `${one.trace_id}/#${nodes.length}`;
    if (seen.has(key)) continue;
    seen.add(key);
    nodes.push({ key, span: one, parent: null, children: [], edge: null, cause: null, marks: marksOf(one) });
  }
  return nodes;
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

/** Nodes that no root leads to: each circle of parents is cut at its earliest span. */
function circles(nodes, roots) {
  const reached = new Set();
  const visit = (from) => {
    const open = [from];
    while (open.length) {
      const node = open.pop();
      if (reached.has(node)) continue;
      reached.add(node);
      open.push(...node.children);
    }
  };
  roots.forEach(visit);
  const cut = [];
  for (const node of [...nodes].sort(byStart)) {
    if (reached.has(node)) continue;
    node.parent.children.splice(node.parent.children.indexOf(node), 1);
    node.parent = null;
    cut.push(node);
    visit(node);
  }
  return cut;
}

/** Hang each root below the first cause that an edge names, unless that makes a circle. */
function grafted(roots, byId, edges) {
  const causes = new Map();
  for (const edge of edges) {
    const key = `${edge.to_trace_id}/${edge.to_span_id}`;
    causes.set(key, [...(causes.get(key) ?? []), edge]);
  }
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

function sorted(roots) {
  const order = (a, b) => Number(Boolean(a.edge)) - Number(Boolean(b.edge)) || byStart(a, b);
  const open = [...roots];
  while (open.length) {
    const node = open.pop();
    node.children.sort(order);
    open.push(...node.children);
  }
  return roots.sort(byStart);
}

function byStart(a, b) {
  return a.span.start - b.span.start || a.span.end - b.span.end;
}

/** The forest as rows from top to bottom, without what lies below a node in `folded`. */
export function rowsOf(roots, folded = new Set()) {
  const rows = [];
  const open = [];
  const push = (nodes, depth) => {
    for (let index = nodes.length - 1; index >= 0; index -= 1) open.push({ node: nodes[index], depth, place: index + 1, of: nodes.length });
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
