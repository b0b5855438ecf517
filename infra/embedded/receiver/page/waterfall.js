// The waterfall: spans as a tree beside their time axis. Only the rows in view are drawn.
import { colour } from "./colours.js";
import { button, el } from "./dom.js";
import { duration } from "./format.js";
import { loudness } from "./lines.js";
import { timeScale } from "./scale.js";
import { VirtualList } from "./virtual.js";

const DEEP = 20; // levels that are indented; deeper ones stand below each other
const MOMENTS = 20; // of one span
const WORDS = 320; // pixels of a row, over the part of the axis that a gap needs for "1.47 s in book_ingestion"

/** `choose(key)`, `toggle(key)` and `leave()` are told what the reader does. */
export class Waterfall {
  constructor({ choose, toggle, leave }) {
    Object.assign(this, { choose, toggle, rows: [], chosen: -1 });
    this.ruler = el("div.ruler", { "aria-hidden": "true" });
    this.lines = el("div.grid-lines", { "aria-hidden": "true" });
    this.list = el("div.rows", { role: "presentation" });
    const named = { role: "tree", tabindex: "0", "aria-label": "Spans" };
    this.frame = el("div.waterfall", named, this.ruler, this.lines, this.list);
    this.frame.addEventListener("keydown", (event) => this.keys(event, leave));
    const height = () => Number.parseInt(getComputedStyle(this.frame).getPropertyValue("--row"), 10) || 28;
    this.virtual = new VirtualList(this.frame, this.list, (row, index) => this.row(row, index), height);
  }

  /** Draw rows of `rowsOf`; `key` is the chosen one. The axis is that of one span, or of all of them. */
  show(rows, key, within, reveal) {
    const spans = within ? [within] : rows.map((row) => row.span);
    this.scale = timeScale(spans.map((span) => [span.start, span.end]));
    this.rows = rows;
    this.chosen = rows.findIndex((row) => row.key === key);
    this.virtual.set(rows);
    this.axis();
    if (reveal && this.chosen >= 0) this.virtual.reveal(this.chosen);
    this.frame.setAttribute("aria-activedescendant", this.chosen >= 0 ? `row-${this.chosen}` : "");
  }

  axis() {
    const ticks = this.scale.ticks(this.frame.clientWidth < 700 ? 4 : 8);
    const named = ticks.filter(({ at }, index) => at < 0.98 && !(at - (ticks[index - 1]?.at ?? -1) < 0.08));
    const broken = this.scale.breaks;
    this.ruler.replaceChildren(
      el("div.track",
        named.map(({ at, since }) => el("span.tick", { style: placed(at) }, `+${tidy(since)}`)),
        broken.map((piece) =>
          el("span.break", { style: placed(piece.at + piece.width / 2) }, `// ${duration(piece.to - piece.from)}`),
        ),
      ),
    );
    this.lines.replaceChildren(
      el("div.track",
        ticks.map(({ at }) => el("i", { style: placed(at) })),
        broken.map((piece) => el("b", { style: placed(piece.at, piece.at + piece.width) })),
      ),
    );
    this.lines.style.setProperty("height", `${this.rows.length * this.virtual.tall}px`);
  }

  row(row, index) {
    const { span } = row;
    const failed = span.status === "error";
    const hidden = { class: "fold", tabindex: "-1", "aria-hidden": "true" };
    const fold = row.node.children.length
      ? button(row.folded ? "▸" : "▾", () => this.toggle(row.key), hidden)
      : el("span.fold");
    return el(
      "div",
      {
        class: `row ${colour(span.service)}${failed ? " failed" : ""}${row.edge ? " linked" : ""}`,
        role: "treeitem",
        id: `row-${index}`,
        "aria-level": String(row.depth + 1),
        "aria-selected": String(index === this.chosen),
        "aria-expanded": row.node.children.length ? String(!row.folded) : null,
        "aria-setsize": String(row.of),
        "aria-posinset": String(row.place),
        "aria-label": said(row),
        "data-span": span.span_id,
        onclick: ({ target }) => target === fold || this.choose(row.key),
      },
      el("div.cell", { style: { "--depth": String(Math.min(row.depth, DEEP)) } },
        fold,
        row.edge ? el("span.arrow", { title: `Linked: a trace of its own, ${span.trace_id}` }, "⇢") : null,
        el("span.name", { title: `${span.service}: ${span.name}` }, span.name || "(no name)"),
        el("span.of", span.service || "(no service)"),
        failed ? el("span.mark.error", "error") : null,
        row.marks.map((mark) => el("span", { class: `mark ${mark === "dead letter" ? "error" : "warn"}` }, mark)),
        row.folded ? el("span.mark", `+${below(row.node)}`) : null,
      ),
      this.track(row),
    );
  }

  track({ span, logs, edge, cause }) {
    const { at } = this.scale;
    const moments = [...span.events, ...logs].slice(0, MOMENTS).map((one) => {
      const bad = one.name === "exception" || loudness(one.level ?? "") === "error";
      return el("i", { class: bad ? "moment error" : "moment", style: placed(at(one.time)) });
    });
    const from = at(span.start);
    const to = Math.max(at(span.end), from);
    const gap = edge && span.start > cause.end ? at(cause.end) : null;
    const wait = gap === null ? null : el("span.waited", waited({ span, edge, cause }));
    // Written into the gap where there is room, else before it, else behind the span's own length.
    const fits = (from - gap) * this.list.clientWidth > WORDS;
    const other = gap > 0.4 ? "before" : from - gap > 0.25 ? "within" : "behind";
    const room = gap === null ? "" : fits ? "within" : other;
    return el("div.track",
      wait && el("span.wait", { style: placed(gap, from) }, room === "within" ? wait : null),
      room === "before" ? el("span.length", { style: { right: `${(1 - gap) * 100}%` } }, wait) : null,
      el("span.block", { style: placed(from, to) }),
      moments,
      el("span.length", { style: placed(to) },
        duration(span.end - span.start), room === "behind" ? wait : null),
    );
  }

  keys(event, leave) {
    if (event.target !== this.frame || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = this.rows[this.chosen];
    const to = {
      ArrowDown: this.chosen + 1, j: this.chosen + 1, ArrowUp: this.chosen - 1, k: this.chosen - 1,
      PageDown: this.chosen + 15, PageUp: this.chosen - 15, Home: 0, End: this.rows.length - 1,
      n: this.rows.findIndex((one, index) => index > this.chosen && one.span.status === "error"),
    }[event.key];
    if (to !== undefined) {
      const index = Math.min(Math.max(to, 0), this.rows.length - 1);
      if (event.key !== "n" || to >= 0) this.choose(this.rows[index]?.key);
    } else if (event.key === "ArrowRight" && row) {
      if (row.folded) this.toggle(row.key);
      else this.choose(this.rows[this.chosen + 1]?.key);
    } else if (event.key === "ArrowLeft" && row) {
      if (row.node.children.length && !row.folded) this.toggle(row.key);
      else if (row.node.parent) this.choose(row.node.parent.key);
    } else if (event.key === "Enter" || event.key === " ") leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Where something stands on the axis, from 0 to 1, and how wide it is. */
function placed(left, right) {
  return { left: `${left * 100}%`, ...(right !== undefined && { width: `${(right - left) * 100}%` }) };
}

/** What a linked span waited for: "1.47 s in book_ingestion". */
export function waited({ span, edge, cause }) {
  const time = duration(span.start - cause.end);
  return edge.topic ? `${time} in ${edge.topic}` : `${time} later`;
}

function said(row) {
  const { span, edge, cause, marks } = row;
  const words = [span.name, span.service, span.kind, duration(span.end - span.start)];
  if (span.status === "error") words.push("error");
  if (edge) words.push(span.start > cause.end ? `linked, waited ${waited(row)}` : "linked");
  return [...words, ...marks].filter(Boolean).join(", ");
}

/** How many spans lie below a node; a chain of them may be thousands long. */
function below(node) {
  const all = [...node.children];
  for (let index = 0; index < all.length; index += 1) all.push(...all[index].children);
  return all.length;
}

/** A round time of the axis. */
function tidy(since) {
  return since === 0 ? "0" : duration(since).replace(/(\.\d*?)0+ /, "$1 ").replace(". ", " ");
}
