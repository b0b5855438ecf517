// Any metric that has arrived, by any of its attributes.
import { lineChart } from "./chart.js";
import { choice } from "./controls.js";
import { el } from "./dom.js";
import { whole } from "./format.js";
import { load } from "./load.js";
import { exemplarsOf, over } from "./series.js";

const SHOWN = 12; // lines
const WORDS = { last: "value", rate: "per second", p50: "p50", p95: "p95", p99: "p99", mean: "mean" };

/** The section, for the metric and the grouping that the address names. */
export async function anyMetric(asked, catalogue, range) {
  const chosen = catalogue.find((one) => one.name === asked.get("metric"));
  const controls = [choice("Metric", "metric", [["", "choose one"], ...catalogue.map((one) => one.name)], asked, { by: "" })];
  const content = [];
  if (chosen) {
    const by = [["", "all in one"], ["*", "everything"], ["service", "service"], ["instance", "instance"], ...chosen.attributes];
    controls.push(choice("A line for each", "by", by, asked));
    const parameters = { ...range, name: chosen.name };
    if (asked.get("by")) parameters.by = asked.get("by");
    const found = await load("api/metrics/series", parameters);
    const unit = chosen.unit ? `, in ${chosen.unit}` : "";
    const what = `${chosen.kind}${unit}, ${whole(chosen.series)} series`;
    content.push(el("p.faint", `${chosen.description || chosen.name} (${what})`));
    if (found) content.push(el("div.charts", drawn(found, chosen)));
    const more = found ? found.left_out + Math.max(found.lines.length - SHOWN, 0) : 0;
    if (more) content.push(el("p.faint", `${whole(more)} more lines are not drawn.`));
  }
  return el("section", { "aria-label": "Any metric" }, el("h2", "Any metric"), el("div.bar", controls), ...content);
}

function drawn(found, { unit, kind }) {
  const lines = found.lines.slice(0, SHOWN);
  const measures = Object.keys(WORDS).filter((name) => lines.some((line) => line.values[name]));
  const histogram = kind.endsWith("histogram");
  return measures.map((measure) => {
    const counts = measure === "rate";
    return lineChart({
      title: `${found.name}, ${WORDS[measure]}`,
      unit: counts ? (histogram || !unit || unit === "1" ? "/s" : ` ${unit.replace(/[{}]/g, "")}/s`.replace(/^ s\/s$/, "/s")) : unit,
      from: found.start / 1e6,
      to: found.end / 1e6,
      lines: lines.map((line) => ({ name: said(line.labels), points: over(found, line.values[measure]) })),
      exemplars: histogram && !counts ? exemplarsOf([found]) : [],
    });
  });
}

function said(labels) {
  const pairs = Object.entries(labels);
  return pairs.length ? pairs.map(([name, value]) => (pairs.length === 1 ? String(value) : `${name}=${value}`)).join(", ") : "all";
}
