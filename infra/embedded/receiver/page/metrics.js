// Metrics: what services, topics, the outbox and the pools do, and any other metric that arrives.
import { AnyMetric } from "./anymetric.js";
import { choice, frame, rangeAsked } from "./controls.js";
import { el, inUse } from "./dom.js";
import { load } from "./load.js";
import { outbox, pools, requests, topicOf } from "./sections.js";
import { chartsOf } from "./series.js";

const RANGES = [["", "last 15 min"], ["300", "last 5 min"], ["3600", "last hour"]];

export default class MetricsView {
  constructor(main) {
    this.services = [];
    this.body = el("div.sections");
    this.any = new AnyMetric();
    const controls = [
      choice("Service", "service", () => [["", "all"], ...this.services], { route: "" }),
      choice("Time", "last", () => RANGES),
    ];
    this.sync = frame(main, "Metrics", controls, el("div.metrics", this.body, this.any.section));
  }

  async ask({ asked }) {
    const wanted = rangeAsked(asked, "900");
    if (asked.get("service")) wanted.service = asked.get("service");
    const questions = [load("api/overview", wanted), load("api/services"), load("api/metrics")];
    const [found, services, { metrics }] = await Promise.all(questions);
    return { found, services, metrics, series: await this.any.load(asked, metrics, wanted) };
  }

  show({ found, services, metrics, series }, { asked }, moved) {
    this.services = services;
    this.sync(asked);
    this.any.show(asked, metrics, series);
    if (!moved && inUse(this.body)) return;
    const chart = chartsOf(found);
    const topics = found.topics.map((topic) => topicOf(chart, topic));
    const rest = [outbox(chart, found.outbox), pools(chart, found.pools)];
    this.body.replaceChildren(...[requests(chart, found.routes, asked), topics, rest].flat().filter(Boolean));
  }
}
