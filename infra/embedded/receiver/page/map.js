// The map: services, databases and topics, and the calls between them. A click filters the traces.
import { address } from "./address.js";
import { choice, frame } from "./controls.js";
import { el, figures, inUse, serviceMark } from "./dom.js";
import { drawing } from "./drawing.js";
import { duration, quantity, whole } from "./format.js";
import { load } from "./load.js";

const WINDOWS = [["", "last 15 min"], ["60", "last minute"], ["3600", "last hour"], ["0", "all that is kept"]];

export default class MapView {
  constructor(main) {
    this.map = el("div.map", { tabindex: "0", role: "region", "aria-label": "Map" });
    this.table = el("div");
    this.body = el("div.map-view", this.map, this.table);
    this.sync = frame(main, "Map", [choice("Time", "window", () => WINDOWS)], this.body);
    new ResizeObserver(() => this.found && this.draw()).observe(this.map);
  }

  ask({ asked }) {
    return load("api/map", { window: asked.get("window") || "900" });
  }

  show(found, place, moved) {
    if (!moved && (inUse(this.map) || inUse(this.table))) return;
    this.found = found;
    this.draw();
  }

  draw() {
    const { nodes, edges } = this.found;
    if (nodes.length) {
      this.map.replaceChildren(drawing(nodes, edges, this.map.clientWidth - 22, filterOf, edgeName));
      this.table.replaceChildren(edgeTable(edges, new Map(nodes.map((node) => [node.id, node]))));
    } else {
      this.map.replaceChildren(el("p.empty", "No calls in this time."));
      this.table.replaceChildren();
    }
  }
}

/** What leads to a node's traces; null for one that no trace names. */
function filterOf({ kind, name }) {
  if (kind === "service") return { service: name };
  if (kind === "topic") return { attribute: `messaging.destination.name=${name}` };
  if (kind !== "database") return null;
  const [system, ...database] = name.split("/");
  return { attribute: database.length ? `db.namespace=${database.at(-1)}` : `db.system.name=${system}` };
}

function plain(id) {
  return id.replace(/^[a-z]+:/, "");
}

function edgeName({ from, to, topic, kind, calls, errors }) {
  const ends = `${plain(from)} to ${plain(to)}${topic ? ` through ${topic}` : ""}`;
  return `${ends}, ${kind}, ${whole(calls)} calls, ${whole(errors)} errors`;
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
