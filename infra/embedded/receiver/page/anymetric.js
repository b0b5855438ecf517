// Any metric that has arrived, by any of its attributes.
import { lineChart } from "./chart.js";
import { choice } from "./controls.js";
import { el, inUse } from "./dom.js";
import { whole } from "./format.js";
import { load } from "./load.js";
import { exemplarsOf } from "./series.js";

const SHOWN = 12; // lines
const WORDS = { last: "value", rate: "per second", p50: "p50", p95: "p95", p99: "p99", mean: "mean" };
const BY = [["", "all in one"], ["*", "everything"], "service", "instance"];

/** Its section stays, with its controls; `load` asks for what the address names, `show` draws it. */
export class AnyMetric {
  constructor() {
    this.names = [];
    this.attributes = [];
    this.metric = choice("Metric", "metric", () => [["", "choose one"], ...this.names], { by: "" });
    this.by = choice("A line for each", "by", () => [...BY, ...this.attributes]);
    this.content = el("div");
    const bar = el("div.bar", this.metric, this.by);
    this.section = el("section", { "aria-label": "Any metric" }, el("h2", "Any metric"), bar, this.content);
  }

  async load(asked, metrics, range) {
    const [name, by] = [asked.get("metric"), asked.get("by")];
    if (!metrics.some((one) => one.name === name)) return null;
    return load("api/metrics/series", { ...range, name, ...(by && { by }) });
  }

  show(asked, metrics, found) {
    const chosen = metrics.find((one) => one.name === found?.name);
    this.names = metrics.map((one) => one.name);
    this.attributes = chosen?.attributes ?? [];
    this.by.hidden = !chosen;
    for (const control of [this.metric, this.by]) control.sync(asked);
    if (!inUse(this.content)) this.content.replaceChildren(...(found ? parts(found, chosen) : []));
  }
}

function parts(found, { unit, kind, series, description, name }) {
  const left = found.left_out + Math.max(found.lines.length - SHOWN, 0);
  return [
    el("p.faint", `${description || name} (${kind}${unit ? `, in ${unit}` : ""}, ${whole(series)} series)`),
    el("div.charts", charts(found, unit, kind.endsWith("histogram"))),
    left ? el("p.faint", `${whole(left)} more lines are not drawn.`) : "",
  ];
}

function charts(found, unit, histogram) {
  const lines = found.lines.slice(0, SHOWN);
  const measures = Object.keys(WORDS).filter((name) => lines.some((line) => line.values[name]));
  const word = histogram || unit === "1" || unit === "s" ? "" : unit.replace(/[{}]/g, "");
  return measures.map((measure) => {
    const counts = measure === "rate";
    const drawn = lines.map(({ labels, values }) => ({ name: said(labels), values: values[measure] }));
    const exemplars = histogram && !counts ? exemplarsOf([found]) : [];
    const title = `${found.name}, ${WORDS[measure]}`;
    return lineChart(found, title, counts ? `${word && ` ${word}`}/s` : unit, drawn, { exemplars });
  });
}

function said(labels) {
  const pairs = Object.entries(labels);
  if (pairs.length === 1) return pairs[0][1];
  return pairs.map((pair) => pair.join("=")).join(", ") || "all";
}
