// The sections of the metrics: requests, topics, outbox, pools. `chart` draws a chart of their answer.
import { changed } from "./address.js";
import { el, figures, serviceMark } from "./dom.js";
import { SHARE, quantity, whole } from "./format.js";
import { exemplarsOf } from "./series.js";

const LINES = 8; // in a chart of all routes
const QUANTILES = { p50: "p50", p95: "p95", p99: "p99" };

function section(title, ...content) {
  return el("section", { "aria-label": title }, el("h2", title), content);
}

/** Lines of the owner's lists of values, by their names: `{name: what the legend says}`. */
function linesOf({ series }, names) {
  return Object.entries(names).map(([name, said]) => ({ name: said, values: series[name] }));
}

function nameOf(route) {
  return `${route.method} ${route.route}`.trim();
}

function toRoute(route) {
  return changed({ route: `${route.service} ${nameOf(route)}` });
}

/** Of all routes, or of the one that the address names. */
export function requests(chart, routes, asked) {
  if (!routes.length) return section("Requests", el("p.empty", "No requests were measured in this time."));
  const chosen = routes.find((route) => `${route.service} ${nameOf(route)}` === asked.get("route"));
  const drawn = chosen ? ofRoute(chart, chosen) : ofAll(chart, routes);
  const rows = routes.map((route) => [
    el("a", { href: toRoute(route), "aria-current": route === chosen ? "true" : null }, nameOf(route)),
    serviceMark(route.service),
    whole(route.requests),
    quantity(route.rate, "/s"),
    el("span", { class: route.errors ? "bad" : null }, quantity(route.error_share ?? 0, SHARE)),
    ...Object.keys(QUANTILES).map((name) => quantity(route[name], "s")),
  ]);
  const heads = ["Route", "Service", "Requests", "Rate", "Errors", ...Object.keys(QUANTILES)];
  return section("Requests", drawn, figures("Routes", heads, rows));
}

function ofAll(chart, routes) {
  const shown = [...routes].sort((a, b) => b.requests - a.requests).slice(0, LINES);
  const several = new Set(routes.map((route) => route.service)).size > 1;
  const named = (route) => (several ? `${route.service} ${nameOf(route)}` : nameOf(route));
  const lines = (name) =>
    shown.map((route) => ({ name: named(route), values: route.series[name], href: toRoute(route) }));
  return el("div.charts",
    chart("Requests", "/s", lines("rate")),
    chart("Error share", SHARE, lines("error_share"), { most: 0.01 }),
    chart("Duration, p95", "s", lines("p95"), { exemplars: exemplarsOf(shown, 12) }),
  );
}

function ofRoute(chart, route) {
  const back = el("a", { href: changed({ route: "" }) }, "all routes");
  return [
    el("p.facts", serviceMark(route.service), el("b", nameOf(route)), back),
    el("div.charts",
      chart("Requests", "/s", linesOf(route, { rate: "requests", errors: "errors" })),
      chart("Error share", SHARE, linesOf(route, { error_share: "errors" }), { most: 0.01 }),
      chart("Duration", "s", linesOf(route, QUANTILES), { exemplars: exemplarsOf([route]) }),
    ),
  ];
}

export function topicOf(chart, topic) {
  const { groups } = topic;
  const named = (one) => one.group || one.service;
  const facts = [
    `${whole(topic.sent ?? 0)} sent`,
    ...groups.map((one) => `${whole(one.processed ?? 0)} processed by ${named(one)}`),
    `lag ${quantity(topic.lag)}`,
    topic.retries && `${whole(topic.retries)} retries`,
    topic.replayed && `${whole(topic.replayed)} replayed`,
  ];
  const processed = groups.map((one) => ({ name: `processed by ${named(one)}`, values: one.series.processed }));
  const trouble = { retries: "retries", send_failures: "send failures", dead_letters: "dead letters" };
  return section(`Topic ${topic.topic}`,
    el("p.facts",
      facts.filter(Boolean).map((fact) => el("span", fact)),
      topic.dead_letters > 0 && el("span.mark.error", `${whole(topic.dead_letters)} dead letters`),
      topic.circuit > 0 && el("span.mark.error", "consumption stopped: everything fails"),
    ),
    el("div.charts",
      chart("Sent and processed", "/s", [...linesOf(topic, { sent: "sent" }), ...processed]),
      chart("Lag", "{record}", linesOf(topic, { lag: "records not yet done" }), { most: 5 }),
      chart("Retries, failures, dead letters", "/s", linesOf(topic, trouble), { most: 0.1 }),
      chart("Time to acknowledge, p95", "s", linesOf(topic, { send_p95: "send" })),
      groups.map((one) =>
        chart(`Time to process, ${named(one)}`, "s", linesOf(one, QUANTILES), { exemplars: exemplarsOf([one]) }),
      ),
    ),
  );
}

export function outbox(chart, all) {
  if (!all.length) return null;
  const lines = (name) => all.map((one) => ({ name: one.service, values: one.series[name] }));
  const fact = (one) => {
    const relay = one.relay_active ? "relay active" : "no relay active";
    const counts = `${whole(one.published ?? 0)} published, ${whole(one.parked ?? 0)} parked`;
    return el("span", serviceMark(one.service), ` ${relay}, ${counts}`);
  };
  return section("Outbox",
    el("p.facts", all.map(fact)),
    el("div.charts",
      chart("Backlog", "{record}", lines("backlog"), { most: 5 }),
      chart("Age of the oldest record", "s", lines("oldest_age"), { most: 1 }),
      chart("Published", "/s", lines("published")),
      chart("Relay active", "1", lines("relay_active"), { most: 1 }),
    ),
  );
}

export function pools(chart, all) {
  const lines = { used: "used", idle: "idle", max: "max" };
  const one = (pool) => chart(`${pool.service}, ${pool.pool}`, "{connection}", linesOf(pool, lines));
  return all.length > 0 && section("Connection pools", el("div.charts", all.map(one)));
}
