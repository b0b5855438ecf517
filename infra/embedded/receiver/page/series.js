// From the receiver's lists of values to what a chart draws.
import { address } from "./address.js";

/** `[milliseconds, value]` of a list of values beside the answer's `times`. */
export function over({ times }, values) {
  return times.map((time, index) => [time / 1e6, values?.[index] ?? null]);
}

/** The exemplars of routes or groups, the greatest, as dots that lead to their span. */
export function exemplarsOf(owners, most = 30) {
  const all = owners.flatMap((owner) => owner.exemplars ?? []).sort((a, b) => b.value - a.value);
  return all.slice(0, most).map(({ time, value, trace_id: trace, span_id: span, service }) => ({
    time: time / 1e6,
    value,
    href: address("trace", trace, { span }),
    label: `trace ${trace.slice(0, 8)}${service ? ` of ${service}` : ""}`,
  }));
}
