// One trace, and with it the traces at the other end of its links, as one picture.
import { address, changed, go } from "./address.js";
import { details, sentryEvent } from "./details.js";
import { button, el, serviceMark } from "./dom.js";
import { clock, counted, duration, whole } from "./format.js";
import { describe, offKey, onKey } from "./keys.js";
import { logLine, loudness } from "./lines.js";
import { load } from "./load.js";
import { forest, rowsOf } from "./tree.js";
import { Waterfall } from "./waterfall.js";

const TREE = "In the waterfall";
for (const [keys, does] of [
  ["↓ ↑", "the next, the previous span (j, k too)"],
  ["→ ←", "unfold, fold or go to the parent"],
  ["Enter", "to the span's details"],
  ["n", "the next error"],
]) describe(keys, does, TREE);

export class TraceView {
  constructor(main) {
    this.waterfall = new Waterfall({
      choose: (key) => key && this.choose(key),
      toggle: (key) => this.toggle(key),
      leave: () => this.aside.querySelector("h2")?.focus(),
    });
    this.head = el("header.trace-head");
    this.aside = el("aside.side", { "aria-label": "Details" });
    this.empty = el("p.empty", { hidden: true });
    this.body = el("div.split", this.waterfall.frame, this.aside);
    main.replaceChildren(el("div.trace-view", this.head, this.empty, this.body));
    onKey("l", "fold the linked traces back, and out again", () => this.fold(), TREE);
    onKey("z", "the axis over the chosen span alone, and back", () => this.zoom(), TREE);
    onKey("Escape", "close the details", () => this.set({ span: "" }), TREE);
    this.said = "";
  }

  async show({ id, asked }) {
    this.id = id;
    this.asked = asked;
    this.linked = asked.get("linked") !== "0";
    this.folded = new Set((asked.get("fold") ?? "").split(",").filter(Boolean));
    const wanted = asked.get("span");
    const question = `${id} ${this.linked} ${asked.get("traces")}`;
    const again = question === this.question && this.story;
    this.question = question;
    if (again) this.draw(wanted !== this.drawnSpan);
    else {
      this.said = "";
      await this.refresh();
      this.waterfall.frame.focus({ preventScroll: true });
    }
  }

  /** Ask again; nothing is drawn anew unless something has come. */
  async refresh() {
    const { id, linked } = this;
    const story = await storyOf(id, linked, this.asked.get("traces"));
    if (id !== this.id || linked !== this.linked) return; // the reader went on meanwhile
    const said = JSON.stringify(story);
    if (said === this.said) return;
    const first = this.said === "";
    this.said = said;
    this.story = story;
    this.draw(first);
  }

  draw(reveal) {
    const kept = this.story?.traces.some((trace) => trace.spans.length);
    this.body.hidden = !kept;
    this.empty.hidden = kept;
    if (!kept) {
      document.title = "Trace";
      this.head.replaceChildren(back());
      this.empty.textContent = `Of trace ${this.id} no span is kept (yet, or any more). When it comes, it appears here.`;
      return;
    }
    const roots = forest(this.story.traces, this.story.edges);
    this.rows = rowsOf(roots, this.folded);
    const chosen = this.rows.find((row) => row.span.span_id === this.asked.get("span") && row.span.trace_id === this.id)
      ?? this.rows.find((row) => row.key === this.asked.get("span"));
    this.drawnSpan = this.asked.get("span");
    const zoom = this.rows.find((row) => row.key === this.asked.get("zoom"));
    this.waterfall.show(this.rows, chosen?.key, moments(this.story), zoom ? [zoom.span] : null);
    this.waterfall.frame.classList.toggle("zoomed", Boolean(zoom));
    if (reveal) this.waterfall.reveal();
    this.heading(roots);
    this.beside(chosen);
  }

  heading(roots) {
    const own = this.story.traces.find((trace) => trace.trace_id === this.id) ?? this.story.traces[0];
    const spans = this.story.traces.flatMap((trace) => trace.spans);
    const top = roots.find((root) => root.span.trace_id === this.id) ?? roots[0];
    const errors = spans.filter((span) => span.status === "error").length;
    const start = Math.min(...own.spans.map((span) => span.start));
    const length = Math.max(...own.spans.map((span) => span.end)) - start;
    const services = [...new Set(spans.map((span) => span.service))];
    const others = this.story.traces.length - 1;
    document.title = `${top.span.name} – trace`;
    const shown = this.linked ? counted(others, "linked trace") : "linked traces folded";
    const pressed = { "aria-pressed": String(this.linked), title: "Key l" };
    const toggle = (others > 0 || !this.linked) && button(shown, () => this.fold(), pressed);
    const ends = Math.max(...spans.map((span) => span.end)) - Math.min(...spans.map((span) => span.start));
    this.head.replaceChildren(
      back(),
      el("h1", top.span.name || "(no name)"),
      el("p.facts",
        el("span.mono.id", this.id),
        el("span", clock(start)),
        el("span", duration(length)),
        others ? el("span", `${duration(ends)} with links`) : null,
        el("span", counted(spans.length, "span")),
        errors ? el("span.mark.error", counted(errors, "error")) : null,
        services.map(serviceMark),
      ),
      el("div.tools",
        toggle,
        this.left(),
        button("Log lines", () => this.body.classList.toggle("open"), { class: "overview" }),
        el("a", { href: address("logs", "", { trace: this.id }) }, "all log lines"),
        el("a", { href: `api/traces/${encodeURIComponent(this.id)}` }, "JSON"),
      ),
    );
  }

  left() {
    const { left_out: left, missing } = this.story;
    const said = `${whole(left)} more not drawn`;
    const all = this.asked.get("traces") === "200";
    return [
      left && (all ? el("span.mark.warn", said) : button(said, () => this.set({ traces: "200" }))),
      missing.length && el("span.mark.warn", `${whole(missing.length)} not kept`),
    ].filter(Boolean);
  }

  beside(chosen) {
    this.body.classList.toggle("chosen", Boolean(chosen));
    if (!chosen) {
      this.aside.replaceChildren(overview(this.story, (span) => address("trace", this.id, this.parameters({ span }))));
      return;
    }
    const named = { class: "close", "aria-label": "Close the details" };
    const close = button("✕", () => this.set({ span: "" }), named);
    this.aside.replaceChildren(close, details(chosen, this.story));
  }

  parameters(changes) {
    return { ...Object.fromEntries(this.asked), ...changes };
  }

  set(changes) {
    go(changed(changes), { replace: true });
  }

  choose(key) {
    const row = this.rows.find((one) => one.key === key);
    const own = row.span.trace_id === this.id && row.span.span_id;
    this.set({ span: own ? row.span.span_id : row.key });
  }

  /** The linked traces back, and out again. */
  fold() {
    this.set({ linked: this.linked ? "0" : "" });
  }

  toggle(key) {
    if (!this.folded.delete(key)) this.folded.add(key);
    this.set({ fold: [...this.folded].join(",") });
  }

  zoom() {
    const chosen = this.rows?.[this.waterfall.chosen];
    this.set({ zoom: this.asked.get("zoom") || !chosen ? "" : chosen.key });
  }

  close() {
    this.waterfall.close();
    for (const key of ["l", "z", "Escape"]) offKey(key);
  }
}

/** The opened trace with all that links lead to and from, or alone; null when it is not kept. */
async function storyOf(id, linked, traces) {
  const path = `api/traces/${encodeURIComponent(id)}`;
  if (linked) return load(`${path}/linked`, { traces: traces || "50" });
  const trace = await load(path);
  return trace && { traces: [trace], edges: [], missing: [], left_out: 0 };
}

let list = "#/traces";

/** Where "back to the traces" leads: the list as it was left. */
export function remember(to) {
  list = to;
}

function back() {
  return el("a.back", { href: list }, "← Traces");
}

function moments(story) {
  const found = new Map();
  const add = (trace, id, moment) => {
    const key = `${trace}/${id}`;
    found.set(key, [...(found.get(key) ?? []), moment]);
  };
  for (const trace of story.traces) {
    for (const span of trace.spans) {
      for (const { name, time } of span.events.slice(0, 20)) add(trace.trace_id, span.span_id, { time, error: name === "exception" });
    }
    for (const log of trace.logs) add(trace.trace_id, log.span_id, { time: log.time, error: loudness(log.level) === "error" });
  }
  return found;
}

function overview(story, to) {
  const logs = story.traces.flatMap((trace) => trace.logs).sort((a, b) => a.time - b.time);
  const sentry = story.traces.flatMap((trace) => trace.sentry);
  const link = (one, made) => (one.span_id ? el("a", { href: to(`${one.trace_id}/${one.span_id}`) }, made) : made);
  const lines = (all, make) => el("ul.lines-of", all.slice(0, 300).map((one) => el("li", link(one, make(one)))));
  const none = el("p.faint", "None in these traces.");
  return el("div.details",
    el("h2", { tabindex: "-1" }, "Along the way"),
    el("h3", counted(logs.length, "log line")),
    logs.length ? lines(logs, logLine) : none,
    el("h3", counted(sentry.length, "Sentry event")),
    sentry.length ? lines(sentry, sentryEvent) : none.cloneNode(true),
  );
}
