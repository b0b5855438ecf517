// Where the nodes of the map stand: in ranks along the calls, few crossings, any graph.

/** Nodes with `x`, `y` (their middles) and `rank`; `across` a rank, `along` the calls, in pixels. */
export function ranked(nodes, edges, { along, across, most }) {
  const known = new Set(nodes.map((node) => node.id));
  const calls = edges.filter((edge) => edge.kind !== "link" && edge.from !== edge.to && known.has(edge.from) && known.has(edge.to));
  const forward = withoutCircles(nodes, calls);
  const rank = new Map(nodes.map((node) => [node.id, 0]));
  for (let round = 0; round < nodes.length; round += 1) {
    for (const { from, to } of forward) rank.set(to, Math.max(rank.get(to), rank.get(from) + 1));
  }
  const rows = [];
  for (const node of nodes) (rows[rank.get(node.id)] ??= []).push(node.id);
  order(rows, forward);
  const wrapped = rows.flatMap((row) => chunks(row, most));
  const widest = Math.max(...wrapped.map((row) => row.length));
  const placed = new Map();
  wrapped.forEach((row, index) =>
    row.forEach((id, place) => placed.set(id, { rank: index, along: index * along, across: (place + (widest - row.length) / 2) * across })),
  );
  return placed;
}

/** The calls without those that lead back: what a walk in depth finds on its own path. */
function withoutCircles(nodes, calls) {
  const state = new Map();
  const forward = [];
  const visit = (id) => {
    state.set(id, "open");
    for (const call of calls.filter((one) => one.from === id)) {
      if (state.get(call.to) === "open") continue;
      forward.push(call);
      if (!state.has(call.to)) visit(call.to);
    }
    state.set(id, "done");
  };
  const entered = new Set(calls.map((call) => call.to));
  for (const node of [...nodes].sort((a, b) => entered.has(a.id) - entered.has(b.id))) if (!state.has(node.id)) visit(node.id);
  return forward;
}

/** Each row by the mean place of what calls it, from the first row on, twice. */
function order(rows, forward) {
  for (let sweep = 0; sweep < 2; sweep += 1) {
    const place = new Map(rows.flatMap((row) => row.map((id, index) => [id, index - row.length / 2])));
    for (const row of rows) {
      const mean = (id) => {
        const from = forward.filter((call) => call.to === id).map((call) => place.get(call.from));
        return from.length ? from.reduce((sum, one) => sum + one, 0) / from.length : place.get(id);
      };
      const means = new Map(row.map((id) => [id, mean(id)]));
      row.sort((a, b) => means.get(a) - means.get(b));
      row.forEach((id, index) => place.set(id, index - row.length / 2));
    }
  }
}

function chunks(row, most) {
  const found = [];
  for (let index = 0; index < row.length; index += most) found.push(row.slice(index, index + most));
  return found;
}
