// A colour for each service, the same wherever it appears.

const COLOURS = 8;
const given = new Map();

/** The class of a service's colour. Two services share one only when there are more than eight. */
export function colour(service) {
  if (!given.has(service)) {
    let index = hash(service) % COLOURS;
    const taken = new Set(given.values());
    if (taken.size < COLOURS) while (taken.has(index)) index = (index + 1) % COLOURS;
    given.set(service, index);
  }
  return `colour-${given.get(service)}`;
}

/** The class of the nth line of a chart. */
export function lineColour(index) {
  return `colour-${index % COLOURS}`;
}

function hash(text) {
  let sum = 7;
  for (const char of text) sum = (sum * 31 + char.codePointAt(0)) >>> 0;
  return sum;
}
