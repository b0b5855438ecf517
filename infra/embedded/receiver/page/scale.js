// One time axis for spans that may lie hours apart: times in which nothing runs, and which are much
// longer than all that does, are drawn short, as a marked break.

const MUCH = 4; // times as long as everything that runs
const WIDTH = 0.16; // of the axis, for a break

/**
 * An axis over intervals `[start, end]` in nanoseconds. `at(time)` is its place, 0 to 1;
 * `breaks` are the shortened times; `ticks(n)` about n places with their time since the start.
 */
export function timeScale(intervals) {
  const busy = merged(intervals);
  const start = busy[0][0];
  const end = Math.max(busy.at(-1)[1], start + 1);
  const working = Math.max(busy.reduce((sum, [from, to]) => sum + to - from, 0), 1);
  const gaps = busy.slice(1).map(([from], index) => [busy[index][1], from]);
  const long = gaps.filter(([from, to]) => to - from > MUCH * working).slice(0, 4);
  const share = long.length ? Math.min(WIDTH, 0.5 / long.length) : 0;
  const plain = end - start - long.reduce((sum, [from, to]) => sum + to - from, 0);
  const pieces = [];
  let time = start;
  let place = 0;
  const add = (until, width, broken) => {
    if (until > time) pieces.push({ from: time, to: until, at: place, width, broken });
    place += width;
    time = until;
  };
  for (const [from, to] of long) {
    add(from, ((from - time) / Math.max(plain, 1)) * (1 - share * long.length), false);
    add(to, share, true);
  }
  add(end, 1 - place, false);
  const at = (moment) => {
    const piece = pieces.find((one) => moment <= one.to) ?? pieces.at(-1);
    const within = (moment - piece.from) / (piece.to - piece.from);
    return Math.min(Math.max(piece.at + Math.min(Math.max(within, 0), 1) * piece.width, 0), 1);
  };
  return { start, end, at, breaks: pieces.filter((one) => one.broken), ticks: (count) => ticks(pieces, start, count) };
}

function merged(intervals) {
  const sorted = intervals.map(([from, to]) => [from, Math.max(from, to)]).sort((a, b) => a[0] - b[0]);
  const found = [];
  for (const [from, to] of sorted) {
    const last = found.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else found.push([from, to]);
  }
  return found.length ? found : [[0, 1]];
}

function ticks(pieces, start, count) {
  const found = [];
  for (const piece of pieces.filter((one) => !one.broken)) {
    const wanted = Math.max(Math.round(count * piece.width), 1);
    const step = niceStep((piece.to - piece.from) / wanted);
    const first = Math.ceil((piece.from - start) / step) * step;
    for (let since = first; since <= piece.to - start && found.length < 50; since += step) {
      const share = (start + since - piece.from) / (piece.to - piece.from);
      found.push({ at: piece.at + share * piece.width, since });
    }
  }
  return found;
}

/** The smallest of 1, 2, 5 times a power of ten that is not below. */
export function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, Number.MIN_VALUE)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * 0.999) ?? 10 * power;
}
