// The map's drawing. Calls go to the right, or downwards where there is little room: everything is
// placed along the calls and across them, and turned into x and y at the very end.
import { address } from "./address.js";
import { colour } from "./colours.js";
import { shape } from "./dom.js";
import { duration, quantity } from "./format.js";

// `step` and `lane`: from rank to rank, from place to place. `out`, `apart`: how far the first edge goes
// around what stands between its ends, and each further one. All in pixels.
const ACROSS = { width: 138, height: 48, step: 266, lane: 96, out: 64, apart: 46 };
const DOWN = { width: 116, height: 46, step: 112, lane: 124, out: 40, apart: 14 };
const NARROW = 760;
const LETTER = 6.9; // pixels, about

/** Nodes and edges of /api/map as SVG; `filterOf(node)` is what its traces are found by. */
export function drawing(nodes, edges, width, filterOf, edgeName) {
  const down = width < NARROW;
  const size = down ? DOWN : ACROSS;
  const point = (along, across) => (down ? { x: across, y: along } : { x: along, y: across });
  const half = down ? [size.height / 2, size.width / 2] : [size.width / 2, size.height / 2];
  const placed = new Map(nodes.map((node) => [node.id, node]));
  const ways = edges.filter((edge) => edge.from !== edge.to).map((edge) => wayOf(edge, placed));
  const lanes = [-1, 1].map((side) => laid(ways.filter((way) => way.side === side), size));
  const widest = Math.max(...nodes.map(({ place }) => place)) * size.lane + half[1];
  // A curve reaches three quarters of the way to what pulls it; its words stand beyond it.
  const [before, after] = lanes.map((count) => (count ? (size.out + (count - 1) * size.apart) * 0.75 + 36 : 8));
  const at = (id) => {
    const { rank, place } = placed.get(id);
    return [8 + half[0] + rank * size.step, before + widest + place * size.lane];
  };
  const ranks = Math.max(...nodes.map(({ rank }) => rank));
  const end = point(16 + 2 * half[0] + ranks * size.step, before + 2 * widest + after);
  const arrow = { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" };
  const named = { role: "group", "aria-label": "Services, databases and topics" };
  const drawn = ways.map((way) => edgeShape(way, curve(way, at, half, point, down), edgeName(way.edge), down));
  return shape("svg", { width: end.x, height: end.y, viewBox: `0 0 ${end.x} ${end.y}`, ...named },
    shape("defs", {}, shape("marker", arrow, shape("path", { d: "M0 0L8 4L0 8z" }))),
    drawn.map(([line]) => line),
    nodes.map((node) => nodeShape(node, point(...at(node.id)), size, filterOf(node))),
    drawn.map(([, words]) => words),
  );
}

/** Straight on to the next rank (side 0), or around what stands between: links before, other calls behind. */
function wayOf(edge, placed) {
  const steps = placed.get(edge.to).rank - placed.get(edge.from).rank;
  const side = edge.kind === "link" ? -1 : Number(steps !== 1);
  return { edge, steps, side, out: 0, nth: 0 };
}

/** Give each way of a side its distance, the shortest the least, and say how many there are. */
function laid(ways, { out, apart }) {
  [...ways].sort((a, b) => a.steps - b.steps).forEach((way, lane) => {
    way.out = way.side * (out + lane * apart);
    way.nth = ways.filter((one) => one.edge.from === way.edge.from).indexOf(way);
  });
  return ways.length;
}

/** The path of an edge, and where its words stand. */
function curve({ edge, side, out, nth }, at, [along, across], point, down) {
  const [from, to] = [at(edge.from), at(edge.to)];
  const ends = side
    ? [[from[0], from[1] + side * across], [to[0], to[1] + side * across]]
    : [[from[0] + along, from[1]], [to[0] - along, to[1]]];
  const middle = (ends[0][0] + ends[1][0]) / 2;
  const pulls = side
    ? ends.map(([a, b]) => [a, b + out])
    : ends.map(([, b]) => [middle, b]);
  const [start, one, two, end] = [ends[0], ...pulls, ends[1]].map((each) => Object.values(point(...each)).join(" "));
  const beside = (ends[0][1] + ends[1][1]) / 2 + out * 0.75;
  const words = down && side
    ? point(from[0] + Math.sign(to[0] - from[0]) * DOWN.step * (nth + 0.5), ends[0][1] + out * 0.6 - side * 12)
    : point(middle, beside);
  const above = down ? 4 : side > 0 ? -14 : 18;
  return { path: `M${start}C${one} ${two} ${end}`, x: words.x, y: words.y - above };
}

/** An edge's line and its words, which stand above all lines. Both lead to its traces. */
function edgeShape({ edge }, { path, x, y }, name, short) {
  const share = edge.error_share ? ` · ${quantity(edge.error_share * 100, "%")}${short ? "" : " errors"}` : "";
  const slow = `${edge.kind === "link" && !short ? "wait " : ""}p95 ${duration(edge.p95)}`;
  const classes = `edge${edge.kind === "link" ? " linked" : ""}${edge.errors ? " failed" : ""}`;
  const href = address("traces", "", { edge: edge.id });
  const link = (more, ...content) => shape("a", { href, ...more }, shape("g", { class: classes }, content));
  const said = [`${quantity(edge.rate, "/s")}${share}`, slow];
  const words = said.map((word, row) => shape("text", { x, y: y + 12 * row }, word));
  return [
    link({ "aria-label": `${name}: its traces` }, shape("path", { d: path, "marker-end": "url(#tip)" })),
    link({ "aria-hidden": "true", tabindex: "-1" }, words),
  ];
}

function nodeShape({ kind, name, requests, rate, p95 }, { x, y }, { width: w, height: h }, filter) {
  const most = Math.floor(w / LETTER);
  const short = name.length > most ? `${name.slice(0, most - 1)}…` : name;
  const service = kind === "service";
  const drawn = shape("g", { class: `node ${service ? colour(name) : ""}` },
    shape("title", {}, `${kind} ${name}`),
    outline(kind, x - w / 2, y - h / 2, w, h),
    shape("text", { class: "name", x, y: y + 1 }, short),
    shape("text", { x, y: y + 16 },
      service && requests ? `${quantity(rate, "/s")} · p95 ${duration(p95)}` : kind),
  );
  if (!filter) return drawn;
  return shape("a", { href: address("traces", "", filter), "aria-label": `${kind} ${name}: its traces` }, drawn);
}

function outline(kind, x, y, w, h) {
  const rim = (to) => `a${w / 2} 7 0 0 0 ${to} 0`;
  const drum = `M${x} ${y + 7}v${h - 14}${rim(w)}v${14 - h}${rim(-w)}${rim(w)}`;
  const arrow = `M${x + 12} ${y}h${w - 24}l12 ${h / 2}l-12 ${h / 2}h${24 - w}l-12 ${-h / 2}z`;
  if (kind === "database") return shape("path", { d: drum });
  if (kind === "topic") return shape("path", { d: arrow });
  return shape("rect", { x, y, width: w, height: h, rx: kind === "external" ? h / 2 : 8 });
}
