// Metrics: what services, topics, the outbox and the pools do, and any other metric that arrives.
import { changed } from "./address.js";
import { anyMetric } from "./anymetric.js";
import { lineChart } from "./chart.js";
import { choice, fillBar, frame, rangeAsked } from "./controls.js";
import { el, figures, serviceMark } from "./dom.js";
import { quantity, whole } from "./format.js";
import { load } from "./load.js";
import { exemplarsOf, over } from "./series.js";

const RANGES = [["", "last 15 min"], ["300", "last 5 min"], ["3600", "last hour"]];
const LINES = 8; // in a chart of all routes
const SHARES = ["p50", "p95", "p99"];
const RED = "colour-4";

export class MetricsView {
  constructor(main) {
    this.body = el("div.metrics");
    this.bar = frame(main, "Metrics", this.body);
  }

  async show({ asked }) {
    this.asked = asked;
    await this.refresh();
  }

  async refresh() {
    const { asked } = this;
    const wanted = rangeAsked(asked, "900");
    if (asked.get("service")) wanted.service = asked.get("service");
    const questions = [load("api/overview", wanted), load("api/services"), load("api/metrics")];
    const [found, services, catalogue] = await Promise.all(questions);
    const any = await anyMetric(asked, catalogue.metrics, wanted);
    if (asked !== this.asked) return;
    const service = choice("Service", "service", [["", "all"], ...services], asked, { route: "" });
    fillBar(this.bar, [service, choice("Time", "last", RANGES, asked)]);
    const at = document.activeElement;
    if (this.body.contains(at) && at.matches("select, .plot, .exemplar")) return; // somebody reads it
    const chart = chartsOf(found);
    const topics = found.topics.map((topic) => topicOf(chart, topic));
    const rest = [outbox(chart, found.outbox), pools(chart, found.pools), any];
    const parts = [requests(chart, found.routes, asked), ...topics, ...rest];
    this.body.replaceChildren(...parts.filter(Boolean));
  }
}

/** Draws charts of one answer: all over the range asked for, without the time before there was anything. */
function chartsOf(found) {
  const groups = found.topics.flatMap((topic) => topic.groups);
  const all = [found.routes, found.topics, groups, found.outbox, found.pools].flat();
  const lists = all.flatMap((one) => Object.values(one.series));
  const first = found.times.findIndex((_, index) => lists.some((values) => (values[index] ?? null) !== null));
  const from = (found.times[Math.max(first - 1, 0)] ?? found.start) / 1e6;
  return (title, unit, lines, more = {}) => {
    const drawn = lines.map(({ values, ...line }) => ({ ...line, points: over(found, values) }));
    return lineChart({ from, to: found.end / 1e6, title, unit, lines: drawn, ...more });
  };
}

/** Lines named as the owner's lists of values are, or as given. */
function linesOf({ series }, names, said = {}) {
  return names.map((name) => ({ name: said[name] ?? name, values: series[name] }));
}

function section(title, ...content) {
  const label = typeof title === "string" ? title : title.textContent;
  return el("section", { "aria-label": label }, el("h2", title), content);
}

function charts(...all) {
  return el("div.charts", all);
}

function nameOf(route) {
  return `${route.method} ${route.route}`.trim();
}

function percents(values) {
  return values.map((value) => (value === null ? null : value * 100));
}

function requests(chart, routes, asked) {
  if (!routes.length) return section("Requests", el("p.empty", "No requests were measured in this time."));
  const chosen = routes.find((route) => `${route.service} ${nameOf(route)}` === asked.get("route"));
  const drawn = chosen ? ofRoute(chart, chosen) : [ofAll(chart, routes)];
  return section("Requests", drawn, routeTable(routes, chosen));
}

function ofAll(chart, routes) {
  const shown = [...routes].sort((a, b) => b.requests - a.requests).slice(0, LINES);
  const several = new Set(routes.map((route) => route.service)).size > 1;
  const named = (route) => (several ? `${route.service} ${nameOf(route)}` : nameOf(route));
  const lines = (of) => shown.map((route) => ({ name: named(route), values: of(route.series), href: toRoute(route) }));
  return charts(
    chart("Requests", "/s", lines((series) => series.rate)),
    chart("Error share", "%", lines((series) => percents(series.error_share)), { most: 1 }),
    chart("Duration, p95", "s", lines((series) => series.p95), { exemplars: exemplarsOf(shown, 12) }),
  );
}

function ofRoute(chart, route) {
  const { series } = route;
  const errors = { name: "errors", colour: RED };
  const back = el("a", { href: changed({ route: "" }) }, "all routes");
  return [
    el("p.facts", serviceMark(route.service), el("b", nameOf(route)), back),
    charts(
      chart("Requests", "/s", [{ name: "requests", values: series.rate }, { ...errors, values: series.errors }]),
      chart("Error share", "%", [{ ...errors, values: percents(series.error_share) }], { most: 1 }),
      chart("Duration", "s", linesOf(route, SHARES), { exemplars: exemplarsOf([route]) }),
    ),
  ];
}

function toRoute(route) {
  return changed({ route: `${route.service} ${nameOf(route)}` });
}

function routeTable(routes, chosen) {
  const rows = routes.map((route) => [
    el("a", { href: toRoute(route), "aria-current": route === chosen ? "true" : null }, nameOf(route)),
    serviceMark(route.service),
    whole(route.requests),
    quantity(route.rate, "/s"),
    el("span", { class: route.errors ? "bad" : null }, quantity((route.error_share ?? 0) * 100, "%")),
    ...SHARES.map((name) => quantity(route[name], "s")),
  ]);
  return figures("Routes", ["Route", "Service", "Requests", "Rate", "Errors", ...SHARES], rows);
}

function topicOf(chart, topic) {
  const { series, groups } = topic;
  const group = (one) => one.group || one.service;
  const facts = [
    `${whole(topic.sent ?? 0)} sent`,
    ...groups.map((one) => `${whole(one.processed ?? 0)} processed by ${group(one)}`),
    `lag ${quantity(topic.lag)}`,
    topic.retries && `${whole(topic.retries)} retries`,
    topic.replayed && `${whole(topic.replayed)} replayed`,
  ];
  const processed = groups.map((one) => ({ name: `processed by ${group(one)}`, values: one.series.processed }));
  const trouble = [
    { name: "retries", values: series.retries, colour: "colour-2" },
    { name: "send failures", values: series.send_failures, colour: "colour-3" },
    { name: "dead letters", values: series.dead_letters, colour: RED },
  ];
  const time = (one) =>
    chart(`Time to process, ${group(one)}`, "s", linesOf(one, SHARES), { exemplars: exemplarsOf([one]) });
  return section(
    el("span", "Topic ", el("span.mono", topic.topic)),
    el(
      "p.facts",
      facts.filter(Boolean).map((fact) => el("span", fact)),
      topic.dead_letters ? el("span.mark.error", `${whole(topic.dead_letters)} dead letters`) : null,
      topic.circuit ? el("span.mark.error", "consumption stopped: everything fails") : null,
    ),
    charts(
      chart("Sent and processed", "/s", [...linesOf(topic, ["sent"]), ...processed]),
      chart("Lag", "{record}", linesOf(topic, ["lag"], { lag: "records not yet done" }), { most: 5 }),
      chart("Retries, failures, dead letters", "/s", trouble, { most: 0.1 }),
      chart("Time to acknowledge, p95", "s", linesOf(topic, ["send_p95"], { send_p95: "send" })),
      groups.map(time),
    ),
  );
}

function outbox(chart, all) {
  if (!all.length) return null;
  const lines = (name) => all.map((one) => ({ name: one.service, values: one.series[name] }));
  const fact = (one) => {
    const relay = one.relay_active ? "relay active" : "no relay active";
    const counts = `${whole(one.published ?? 0)} published, ${whole(one.parked ?? 0)} parked`;
    return el("span", serviceMark(one.service), ` ${relay}, ${counts}`);
  };
  return section(
    "Outbox",
    el("p.facts", all.map(fact)),
    charts(
      chart("Backlog", "{record}", lines("backlog"), { most: 5 }),
      chart("Age of the oldest record", "s", lines("oldest_age"), { most: 1 }),
      chart("Published", "/s", lines("published")),
      chart("Relay active", "1", lines("relay_active"), { most: 1 }),
    ),
  );
}

function pools(chart, all) {
  const one = (pool) => chart(`${pool.service}, ${pool.pool}`, "{connection}", linesOf(pool, ["used", "idle", "max"]));
  return all.length ? section("Connection pools", charts(all.map(one))) : null;
}
