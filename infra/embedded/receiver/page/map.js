// The map: services, databases and topics, and the calls between them. A click filters the traces.
import { address } from "./address.js";
import { colour } from "./colours.js";
import { choice, fillBar, frame } from "./controls.js";
import { el, figures, serviceMark, shape } from "./dom.js";
import { duration, quantity, whole } from "./format.js";
import { ranked } from "./layout.js";
import { load } from "./load.js";

const WIDE = { width: 138, height: 48 };
const NARROW = { width: 116, height: 46 };
const ALONG = 112; // from rank to rank, where they lie below each other
const WINDOWS = [["", "last 15 min"], ["60", "last minute"], ["3600", "last hour"], ["0", "all that is kept"]];

export class MapView {
  constructor(main) {
    this.map = el("div.map", { tabindex: "0", role: "region", "aria-label": "Map" });
    this.table = el("div",);
    this.body = el("div.map-view", this.map, this.table);
    this.bar = frame(main, "Map", this.body);
    this.watcher = new ResizeObserver(() => this.found && this.draw());
    this.watcher.observe(this.map);
  }

  async show({ asked }) {
    this.asked = asked;
    fillBar(this.bar, [choice("Time", "window", WINDOWS, asked)]);
    await this.refresh();
  }

  async refresh() {
    const { asked } = this;
    const found = await load("api/map", { window: asked.get("window") || "900" });
    if (asked !== this.asked || JSON.stringify(found) === JSON.stringify(this.found)) return;
    this.found = found;
    this.draw();
  }

  draw() {
    const { nodes, edges } = this.found;
    if (!nodes.length) {
      this.map.replaceChildren(el("p.empty", "No calls in this time."));
      this.table.replaceChildren();
      return;
    }
    if (!this.body.contains(document.activeElement) || document.activeElement === this.map) {
      this.map.replaceChildren(drawing(nodes, edges, this.map.clientWidth - 22));
      this.table.replaceChildren(edgeTable(edges, new Map(nodes.map((node) => [node.id, node]))));
    }
  }

  close() {
    this.watcher.disconnect();
  }
}

function drawing(nodes, edges, width) {
  const upright = width < 760;
  const box = upright ? NARROW : WIDE;
  const most = upright ? Math.max(Math.floor((width - 80) / (box.width + 8)), 2) : 9;
  const placed = ranked(nodes, edges, upright ? { along: ALONG, across: box.width + 8, most } : { along: box.width + 128, across: 96, most });
  const known = edges.filter((edge) => placed.has(edge.from) && placed.has(edge.to) && edge.from !== edge.to);
  const sides = known.map((edge) => sideOf(edge, placed));
  const nth = (index) => known.filter((edge, before) => before < index && edge.from === known[index].from && sides[before] === sides[index]).length;
  const lane = (index) => known.filter((edge, other) => sides[other] === sides[index] && (steps(edge, placed) - steps(known[index], placed) || other - index) < 0).length;
  const room = (side) => {
    const lanes = sides.filter((one) => one === side).length;
    return lanes ? detour(lanes - 1, upright) * 0.75 + (upright ? 26 : 36) : 8;
  };
  const at = (id) => {
    const { along, across } = placed.get(id);
    const [x, y] = upright ? [across + room(-1), along + 8] : [along + 8, across + room(-1)];
    return { x: x + box.width / 2, y: y + box.height / 2 };
  };
  const points = nodes.map((node) => at(node.id));
  const right = Math.max(...points.map((point) => point.x)) + box.width / 2 + (upright ? room(1) : 8);
  const bottom = Math.max(...points.map((point) => point.y)) + box.height / 2 + (upright ? 8 : room(1));
  return shape(
    "svg",
    { width: right, height: bottom, viewBox: `0 0 ${right} ${bottom}`, role: "group", "aria-label": "Services, databases and topics" },
    shape("defs", {}, shape("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, shape("path", { d: "M0 0L8 4L0 8z" }))),
    known.map((edge, index) => edgeShape(edge, at(edge.from), at(edge.to), { side: sides[index], out: detour(lane(index), upright), upright, box, nth: nth(index) })),
    nodes.map((node) => nodeShape(node, at(node.id), box)),
  );
}

function steps(edge, placed) {
  return placed.get(edge.to).rank - placed.get(edge.from).rank;
}

/** 0: straight on to the next rank; else around what stands between, links above, other calls below. */
function sideOf(edge, placed) {
  if (steps(edge, placed) === 1 && edge.kind !== "link") return 0;
  return edge.kind === "link" ? -1 : 1;
}

/** How far the nth edge of a side goes out, in pixels. */
function detour(lane, upright) {
  return upright ? 40 + 14 * lane : 64 + 46 * lane;
}

function nodeShape(node, { x, y }, { width: w, height: h }) {
  const [left, top] = [x - w / 2, y - h / 2];
  const outline = {
    database: shape("path", { d: `M${left} ${top + 7}v${h - 14}a${w / 2} 7 0 0 0 ${w} 0v${14 - h}a${w / 2} 7 0 0 0 ${-w} 0a${w / 2} 7 0 0 0 ${w} 0` }),
    topic: shape("path", { d: `M${left + 12} ${top}h${w - 24}l12 ${h / 2}l-12 ${h / 2}h${24 - w}l-12 ${-h / 2}z` }),
  }[node.kind] ?? shape("rect", { x: left, y: top, width: w, height: h, rx: node.kind === "external" ? h / 2 : 8 });
  const most = Math.floor(w / 6.9);
  const short = node.name.length > most ? `${node.name.slice(0, most - 1)}…` : node.name;
  const kind = node.kind === "service" && node.requests ? `${quantity(node.rate, "/s")} · p95 ${duration(node.p95)}` : node.kind;
  const drawn = shape(
    "g",
    { class: `node ${node.kind === "service" ? colour(node.name) : ""}` },
    shape("title", {}, `${node.kind} ${node.name}`),
    outline,
    shape("text", { x, y: y + 1 }, short),
    shape("text", { class: "kind", x, y: y + 16 }, kind),
  );
  const filter = { service: { service: node.name }, topic: { attribute: `messaging.destination.name=${node.name}` }, database: { attribute: node.name.includes("/") ? `db.namespace=${node.name.split("/").at(-1)}` : `db.system.name=${node.name}` } }[node.kind];
  return filter ? shape("a", { href: address("traces", "", filter), "aria-label": `${node.kind} ${node.name}: its traces` }, drawn) : drawn;
}

function edgeShape(edge, from, to, { side, out: far, upright, box, nth }) {
  const half = { x: box.width / 2, y: box.height / 2 };
  const out = side * far;
  let path;
  let text = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 - 18 };
  if (side === 0) {
    const [start, end] = upright ? [{ x: from.x, y: from.y + half.y }, { x: to.x, y: to.y - half.y }] : [{ x: from.x + half.x, y: from.y }, { x: to.x - half.x, y: to.y }];
    const turn = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
    const [a, b] = upright ? [`${start.x} ${turn.y}`, `${end.x} ${turn.y}`] : [`${turn.x} ${start.y}`, `${turn.x} ${end.y}`];
    path = `M${start.x} ${start.y}C${a} ${b} ${end.x} ${end.y}`;
  } else {
    const edgeOf = (point) => (upright ? { x: point.x + side * half.x, y: point.y } : { x: point.x, y: point.y + side * half.y });
    const bend = (point) => (upright ? `${point.x + out} ${point.y}` : `${point.x} ${point.y + out}`);
    const [start, end] = [edgeOf(from), edgeOf(to)];
    path = `M${start.x} ${start.y}C${bend(start)} ${bend(end)} ${end.x} ${end.y}`;
    text = upright
      ? { x: start.x + out * 0.6 - side * 12, y: from.y + Math.sign(to.y - from.y) * ALONG * (nth + 0.5) - 4 }
      : { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 + out * 0.75 + (side < 0 ? -18 : 14) };
  }
  const share = edge.error_share ? ` · ${quantity(edge.error_share * 100, "%")}${upright ? "" : " errors"}` : "";
  const slow = `${edge.kind === "link" && !upright ? "wait " : ""}p95 ${duration(edge.p95)}`;
  const classes = `edge${edge.kind === "link" ? " linked" : ""}${edge.errors ? " failed" : ""}`;
  return shape(
    "a",
    { href: address("traces", "", { edge: edge.id }), "aria-label": `${said(edge)}: its traces` },
    shape(
      "g",
      { class: classes },
      shape("path", { d: path, "marker-end": "url(#tip)" }),
      shape("text", { x: text.x, y: text.y }, `${quantity(edge.rate, "/s")}${share}`),
      shape("text", { x: text.x, y: text.y + 12 }, slow),
    ),
  );
}

function plain(id) {
  return id.replace(/^[a-z]+:/, "");
}

function said(edge) {
  return `${plain(edge.from)} to ${plain(edge.to)}${edge.topic ? ` through ${edge.topic}` : ""}, ${edge.kind}, ${whole(edge.calls)} calls, ${whole(edge.errors)} errors`;
}

function edgeTable(edges, nodes) {
  const named = (id) => {
    const { kind, name } = nodes.get(id) ?? { name: plain(id) };
    return kind === "service" ? serviceMark(name) : name;
  };
  const rows = edges.map((edge) => [
    el("a", { href: address("traces", "", { edge: edge.id }) }, named(edge.from), " → ", named(edge.to)),
    edge.kind === "link" ? `link across ${edge.topic}` : edge.kind,
    whole(edge.calls),
    quantity(edge.rate, "/s"),
    el("span", { class: edge.errors ? "bad" : null }, quantity((edge.error_share ?? 0) * 100, "%")),
    duration(edge.p50),
    duration(edge.p95),
  ]);
  return figures("Calls", ["Call", "Kind", "Calls", "Rate", "Errors", "p50", "p95"], rows);
}
