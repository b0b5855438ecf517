// Metrics: what services, topics, the outbox and the pools do, and any other metric that arrives.
import { changed } from "./address.js";
import { anyMetric } from "./anymetric.js";
import { lineChart } from "./chart.js";
import { colour } from "./colours.js";
import { choice, fillBar, rangeAsked } from "./controls.js";
import { element } from "./dom.js";
import { exemplarsOf, over } from "./series.js";
import { quantity, whole } from "./format.js";
import { load } from "./load.js";

const RANGES = [["", "last 15 min"], ["300", "last 5 min"], ["3600", "last hour"]];
const LINES = 8; // in a chart of all routes

export class MetricsView {
  constructor(main) {
    this.bar = element("form", { class: "bar", "aria-label": "Filters", onsubmit: (event) => event.preventDefault() });
    this.body = element("div", { class: "metrics" });
    this.main = main;
    main.replaceChildren(element("h1", { class: "quiet" }, "Metrics"), this.bar, this.body);
  }

  async show({ asked }) {
    document.title = "Metrics";
    this.asked = asked;
    await this.refresh();
  }

  async refresh() {
    const { asked } = this;
    const wanted = rangeAsked(asked, "900");
    if (asked.get("service")) wanted.service = asked.get("service");
    const [found, services, catalogue] = await Promise.all([load("api/overview", wanted), load("api/services"), load("api/metrics")]);
    const any = await anyMetric(asked, catalogue.metrics, wanted);
    if (asked !== this.asked) return;
    fillBar(this.bar, [choice("Service", "service", [["", "all"], ...services], asked, { route: "" }), choice("Time", "last", RANGES, asked)]);
    if (this.body.contains(document.activeElement) && document.activeElement.matches("select, .plot, .exemplar")) return; // somebody reads it
    const parts = [requests(found, asked), ...found.topics.map((topic) => topicOf(found, topic)), outbox(found), pools(found), any];
    this.body.replaceChildren(...parts.filter(Boolean));
  }
}

function section(title, ...content) {
  return element("section", { "aria-label": typeof title === "string" ? title : title.textContent }, element("h2", {}, title), ...content);
}

function charts(...all) {
  return element("div", { class: "charts" }, all);
}

function nameOf(route) {
  return `${route.method} ${route.route}`.trim();
}

function requests(found, asked) {
  const { routes } = found;
  if (!routes.length) return section("Requests", element("p", { class: "empty" }, "No requests were measured in this time."));
  const chosen = routes.find((route) => `${route.service} ${nameOf(route)}` === asked.get("route"));
  const shown = [...routes].sort((a, b) => b.requests - a.requests).slice(0, LINES);
  const several = new Set(routes.map((route) => route.service)).size > 1;
  const lines = (name) =>
    shown.map((route) => ({ name: several ? `${route.service} ${nameOf(route)}` : nameOf(route), points: over(found, route.series[name]), href: toRoute(route) }));
  const all = { ...bounds(found), exemplars: [] };
  if (!chosen) {
    return section(
      "Requests",
      charts(
        lineChart({ ...all, title: "Requests", unit: "/s", lines: lines("rate") }),
        lineChart({ ...all, title: "Error share", unit: "%", most: 1, lines: lines("error_share").map((line) => ({ ...line, points: line.points.map(percent) })) }),
        lineChart({ ...all, title: "Duration, p95", unit: "s", lines: lines("p95"), exemplars: exemplarsOf(shown, 12) }),
      ),
      routeTable(routes, null),
    );
  }
  const { series } = chosen;
  const one = (name, of, as) => ({ name: as ?? name, points: over(found, of) });
  return section(
    "Requests",
    element("p", { class: "facts" }, element("span", { class: `service ${colour(chosen.service)}` }, chosen.service), element("b", {}, nameOf(chosen)), element("a", { href: changed({ route: "" }) }, "all routes")),
    charts(
      lineChart({ ...all, title: "Requests", unit: "/s", lines: [one("requests", series.rate), { ...one("errors", series.errors), colour: "colour-4" }] }),
      lineChart({ ...all, title: "Error share", unit: "%", most: 1, lines: [{ name: "errors", points: over(found, series.error_share).map(percent), colour: "colour-4" }] }),
      lineChart({ ...all, title: "Duration", unit: "s", lines: ["p50", "p95", "p99"].map((name) => one(name, series[name])), exemplars: exemplarsOf([chosen]) }),
    ),
    routeTable(routes, chosen),
  );
}

function percent([time, value]) {
  return [time, value === null ? null : value * 100];
}

/** The axis of all charts: the range that was asked for, without the time before there was anything. */
function bounds(found) {
  const all = [...found.routes, ...found.topics, ...found.topics.flatMap((topic) => topic.groups), ...found.outbox, ...found.pools];
  const lists = all.flatMap((one) => Object.values(one.series));
  const first = found.times.findIndex((_, index) => lists.some((values) => (values[index] ?? null) !== null));
  return { from: (found.times[Math.max(first - 1, 0)] ?? found.start) / 1e6, to: found.end / 1e6 };
}

function toRoute(route) {
  return changed({ route: `${route.service} ${nameOf(route)}` });
}

function routeTable(routes, chosen) {
  const heads = ["Route", "Service", "Requests", "Rate", "Errors", "p50", "p95", "p99"];
  const rows = routes.map((route) =>
    element(
      "tr",
      { "aria-current": route === chosen ? "true" : null },
      element("th", { scope: "row" }, element("a", { href: toRoute(route) }, nameOf(route))),
      element("td", { class: "text" }, element("span", { class: `service ${colour(route.service)}` }, route.service)),
      element("td", {}, whole(route.requests)),
      element("td", {}, quantity(route.rate, "/s")),
      element("td", { class: route.errors ? "bad" : null }, quantity((route.error_share ?? 0) * 100, "%")),
      ["p50", "p95", "p99"].map((name) => element("td", {}, quantity(route[name], "s"))),
    ),
  );
  return figures("Routes", heads, rows, 2);
}

/** A table of figures; the first `texts` columns are words. */
export function figures(label, heads, rows, texts = 1) {
  const head = element("tr", {}, heads.map((name, index) => element("th", { scope: "col", class: index < texts ? "text" : null }, name)));
  return element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": label }, element("table", { class: "figures" }, element("thead", {}, head), element("tbody", {}, rows)));
}

function topicOf(found, topic) {
  const all = bounds(found);
  const { series, groups } = topic;
  const line = (name, of, shade) => ({ name, points: over(found, of), colour: shade });
  const facts = [
    `${whole(topic.sent ?? 0)} sent`,
    ...groups.map((group) => `${whole(group.processed ?? 0)} processed by ${group.group || group.service}`),
    `lag ${quantity(topic.lag)}`,
    topic.retries ? `${whole(topic.retries)} retries` : "",
    topic.replayed ? `${whole(topic.replayed)} replayed` : "",
  ];
  const title = element("span", {}, "Topic ", element("span", { class: "mono" }, topic.topic));
  return section(
    title,
    element(
      "p",
      { class: "facts" },
      facts.filter(Boolean).map((fact) => element("span", {}, fact)),
      topic.dead_letters ? element("span", { class: "mark error" }, `${whole(topic.dead_letters)} dead letters`) : null,
      topic.circuit ? element("span", { class: "mark error" }, "consumption stopped: everything fails") : null,
    ),
    charts(
      lineChart({ ...all, title: "Sent and processed", unit: "/s", lines: [line("sent", series.sent), ...groups.map((group) => line(`processed by ${group.group || group.service}`, group.series.processed))] }),
      lineChart({ ...all, title: "Lag", unit: "{record}", most: 5, lines: [line("records not yet done", series.lag)] }),
      lineChart({ ...all, title: "Retries, failures, dead letters", unit: "/s", most: 0.1, lines: [line("retries", series.retries, "colour-2"), line("send failures", series.send_failures, "colour-3"), line("dead letters", series.dead_letters, "colour-4")] }),
      lineChart({ ...all, title: "Time to acknowledge, p95", unit: "s", lines: [line("send", series.send_p95)] }),
      groups.map((group) =>
        lineChart({ ...all, title: `Time to process, ${group.group || group.service}`, unit: "s", lines: ["p50", "p95", "p99"].map((name) => line(name, group.series[name])), exemplars: exemplarsOf([group]) }),
      ),
    ),
  );
}

function outbox(found) {
  if (!found.outbox.length) return null;
  const all = bounds(found);
  const lines = (name) => found.outbox.map((one) => ({ name: one.service, points: over(found, one.series[name]) }));
  return section(
    "Outbox",
    element("p", { class: "facts" }, found.outbox.map((one) => element("span", {}, element("span", { class: `service ${colour(one.service)}` }, one.service), ` ${one.relay_active ? "relay active" : "no relay active"}, ${whole(one.published ?? 0)} published, ${whole(one.parked ?? 0)} parked`))),
    charts(
      lineChart({ ...all, title: "Backlog", unit: "{record}", most: 5, lines: lines("backlog") }),
      lineChart({ ...all, title: "Age of the oldest record", unit: "s", most: 1, lines: lines("oldest_age") }),
      lineChart({ ...all, title: "Published", unit: "/s", lines: lines("published") }),
      lineChart({ ...all, title: "Relay active", unit: "1", most: 1, lines: lines("relay_active") }),
    ),
  );
}

function pools(found) {
  if (!found.pools.length) return null;
  const one = (pool) =>
    lineChart({ ...bounds(found), title: `${pool.service}, ${pool.pool}`, unit: "{connection}", lines: ["used", "idle", "max"].map((name) => ({ name, points: over(found, pool.series[name]) })) });
  return section("Connection pools", charts(found.pools.map(one)));
}
