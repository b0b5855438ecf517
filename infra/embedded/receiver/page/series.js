// From the receiver's lists of values to what a chart draws.
import { address } from "./address.js";

/** `[milliseconds, value]` of a list of values beside the answer's `times`. */
export function over({ times }, values) {
  return times.map((time, index) => [time / 1e6, values?.[index] ?? null]);
}

/** The exemplars of routes or groups, as dots that lead to their span. */
export function exemplarsOf(owners) {
  return owners.flatMap((owner) => owner.exemplars ?? []).slice(-40).map(({ time, value, trace_id: trace, span_id: span, service }) => ({
    time: time / 1e6,
    value,
    href: address("trace", trace, { span }),
    label: `trace ${trace.slice(0, 8)}${service ? ` of ${service}` : ""}`,
  }));
}
