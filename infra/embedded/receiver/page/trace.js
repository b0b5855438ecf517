// One trace, and with it the traces at the other end of its links, as one picture.
import { change, changed } from "./address.js";
import { details, overview } from "./details.js";
import { button, el } from "./dom.js";
import { heading } from "./heading.js";
import { describe, offKey, onKey } from "./keys.js";
import { load } from "./load.js";
import { forest, rowsOf } from "./tree.js";
import { Waterfall } from "./waterfall.js";

const TREE = "In the waterfall";
describe("↓ ↑", "the next, the previous span (j, k too)", TREE);
describe("→ ←", "unfold, fold or go to the parent", TREE);
describe("Enter", "to the span's details", TREE);
describe("n", "the next error", TREE);

export default class TraceView {
  constructor(main) {
    this.waterfall = new Waterfall({
      choose: (key) => this.choose(key),
      toggle: (key) => this.toggle(key),
      leave: () => this.aside.querySelector("h2")?.focus(),
    });
    this.head = el("header.trace-head");
    this.aside = el("aside.side", { "aria-label": "Details" });
    this.empty = el("p.empty");
    this.body = el("div.split", this.waterfall.frame, this.aside);
    main.replaceChildren(el("div.trace-view", this.head, this.empty, this.body));
    onKey("l", "fold the linked traces back, and out again", () => this.fold(), TREE);
    onKey("z", "the axis over the chosen span alone, and back", () => this.zoom(), TREE);
    onKey("Escape", "close the details", () => change({ span: "" }), TREE);
  }

  /** What is known already is not asked for again because somebody chooses a span. */
  async ask({ id, asked }, movedAlone) {
    const question = `api/traces/${encodeURIComponent(id)}/linked?traces=${asked.get("traces") || 50}`;
    if (movedAlone && this.story?.question === question) return this.story;
    return { ...(await load(question)), question };
  }

  show(story, { id, asked }, moved) {
    const said = JSON.stringify(story);
    if (!moved && said === this.said) return; // nothing has come
    const first = story.question !== this.story?.question;
    const reveal = first || asked.get("span") !== this.asked.get("span");
    const linked = asked.get("linked") !== "0";
    Object.assign(this, { story, said, asked, linked });
    const own = story.traces?.find((trace) => trace.trace_id === story.trace_id);
    document.title = own ? `${own.title} – trace` : "Trace";
    this.body.hidden = !own;
    const none = `Of trace ${id} no span is kept (yet, or any more). When it comes, it appears here.`;
    this.empty.textContent = own ? "" : none;
    const alone = own && { ...story, start: own.start, end: own.end, traces: [own], edges: [] };
    this.head.replaceChildren(...heading(linked ? story : alone, own, this));
    if (own) this.draw(linked ? story : alone, reveal);
    if (first) this.waterfall.frame.focus({ preventScroll: true });
  }

  draw(shown, reveal) {
    this.rows = rowsOf(forest(shown.traces, shown.edges), this.folded);
    // A span of this trace is named by its id alone, one of another by both.
    const named = (name) => this.rows.find(({ key }) => [key, this.short(key)].includes(this.asked.get(name)));
    const chosen = named("span");
    this.waterfall.show(this.rows, chosen?.key, named("zoom")?.span, reveal);
    this.body.classList.toggle("chosen", Boolean(chosen));
    const close = button("✕", () => change({ span: "" }), { class: "close", "aria-label": "Close the details" });
    const beside = chosen ? [close, details(chosen, shown)] : [overview(shown, (span) => changed({ span }))];
    this.aside.replaceChildren(...beside);
  }

  short(key) {
    return key.replace(`${this.story.trace_id}/`, "");
  }

  get folded() {
    return new Set((this.asked.get("fold") ?? "").split(",").filter(Boolean));
  }

  choose(key) {
    if (key) change({ span: this.short(key) });
  }

  /** The linked traces back, and out again. */
  fold() {
    change({ linked: this.linked ? "0" : "" });
  }

  toggle(key) {
    const { folded } = this;
    if (!folded.delete(key)) folded.add(key);
    change({ fold: [...folded].join(",") });
  }

  zoom() {
    const chosen = this.rows?.[this.waterfall.chosen];
    change({ zoom: this.asked.get("zoom") || !chosen ? "" : chosen.key });
  }

  close() {
    for (const key of ["l", "z", "Escape"]) offKey(key);
  }
}
