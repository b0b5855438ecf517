// From the receiver's answers to what charts draw.
import { address } from "./address.js";
import { lineChart } from "./chart.js";

/** Draws charts of one answer: all over one time, without that before there was anything. */
export function chartsOf(found) {
  const groups = found.topics.flatMap((topic) => topic.groups);
  const all = [found.routes, found.topics, groups, found.outbox, found.pools].flat();
  const lists = all.flatMap((one) => Object.values(one.series));
  const first = found.times.findIndex((_, index) => lists.some((values) => values[index] !== null));
  const start = found.times[Math.max(first - 1, 0)] ?? found.start;
  return (title, unit, lines, more) => lineChart({ ...found, start }, title, unit, lines, more);
}

/** The exemplars of routes or groups, the greatest, as dots that lead to their span. */
export function exemplarsOf(owners, most = 30) {
  const all = owners.flatMap((owner) => owner.exemplars).sort((a, b) => b.value - a.value);
  return all.slice(0, most).map(({ time, value, trace_id: trace, span_id: span, service }) => ({
    time,
    value,
    href: address("trace", trace, { span }),
    label: `trace ${trace.slice(0, 8)}${service ? ` of ${service}` : ""}`,
  }));
}
