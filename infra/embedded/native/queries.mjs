// node queries.mjs logql|traceql '["query", …]': prints {query: [offsets of syntax errors]} of those
// that are malformed. See queries.py.
import { parser as logql } from "@grafana/lezer-logql";
import { parser as traceql } from "@grafana/lezer-traceql";

const parser = { logql, traceql }[process.argv[2]];
const malformed = {};
for (const query of JSON.parse(process.argv[3])) {
  const offsets = [];
  parser.parse(query).iterate({
    enter: (node) => {
      if (node.type.isError) offsets.push(node.from);
    },
  });
  if (offsets.length) malformed[query] = offsets;
}
console.log(JSON.stringify(malformed));
