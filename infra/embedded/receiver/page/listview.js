// What the views that are lists share: filters in a bar, and a list, newest first, that grows on demand
// and does not move under a reader: while somebody has scrolled or stands in it with the keyboard, only
// what is shown already is brought up to date.
import { change } from "./address.js";
import { frame, rangeAsked } from "./controls.js";
import { button, el, inUse, reconcile } from "./dom.js";
import { whole } from "./format.js";
import { load } from "./load.js";

const PAGE = 200; // rows asked for at first, and more each time
const MOST = 2000; // rows of one answer
const AT_ONCE = 60; // rows that are made before the browser paints

/** A view has `wanted(asked)` as pairs for the receiver and `item(one)`, a row; `key(one)` names a row. */
export class ListView {
  constructor(main, { title, noun, path, kind = "", controls }) {
    Object.assign(this, { main, noun, path, items: [], services: [] });
    this.news = button("", () => this.top(), { class: "news", hidden: true });
    this.list = el("ol", { class: `list ${kind}`, "aria-label": title, onkeydown: (event) => this.keys(event) });
    this.none = el("span");
    this.grow = button("", () => change({ rows: this.items.length + PAGE }));
    this.total = el("span.total");
    const place = el("div.scroll", this.news, this.list, el("p.more", this.none, this.grow));
    this.sync = frame(main, title, [...controls, this.total], place);
  }

  /** What a service is chosen from. */
  anyService() {
    return [["", "any"], ...this.services];
  }

  async ask({ asked }) {
    const limit = Math.min(Math.max(Number(asked.get("rows")) || 0, PAGE), MOST);
    const wanted = new URLSearchParams({ ...rangeAsked(asked), limit: String(limit) });
    for (const [name, value] of this.wanted(asked)) if (value) wanted.append(name, value);
    const [found, services] = await Promise.all([load(this.path, wanted), load("api/services")]);
    const items = found.traces ?? found.logs ?? found.events;
    return { items, total: found.total, services: found.services ?? services, wanted };
  }

  show(found, { asked }, moved) {
    this.latest = found;
    this.services = found.services;
    this.sync(asked);
    this.total.textContent = `${whole(found.items.length)} of ${whole(found.total)} ${this.noun}`;
    const held = this.items.length > 0 && (this.main.scrollTop > 40 || inUse(this.list));
    if (moved || !held) this.draw();
    else this.keep();
  }

  draw() {
    const { items, total, wanted } = this.latest;
    this.items = items;
    this.news.hidden = true;
    this.list.hidden = items.length === 0;
    this.grow.hidden = !items.length || items.length >= Math.min(total, MOST);
    this.grow.textContent = `Show ${whole(Math.min(total - items.length, PAGE))} more`;
    this.none.textContent = items.length ? "" : this.nothing(wanted);
    this.paint(Math.max(this.list.children.length, AT_ONCE));
  }

  keep() {
    const now = new Map(this.latest.items.map((item) => [this.key(item), item]));
    const known = new Set(this.items.map(this.key));
    const fresh = [...now.keys()].filter((key) => !known.has(key)).length;
    this.items = this.items.map((item) => now.get(this.key(item)) ?? item);
    this.paint(this.list.children.length);
    this.news.hidden = fresh === 0;
    this.news.textContent = `↑ ${whole(fresh)} new`;
  }

  /** The first rows at once, the others in the frames that follow. */
  paint(count) {
    cancelAnimationFrame(this.painting);
    reconcile(this.list, this.items.slice(0, count), this.key, (one) => el("li", this.item(one)));
    if (count < this.items.length) this.painting = requestAnimationFrame(() => this.paint(count + AT_ONCE));
  }

  /** To what has come. */
  top() {
    this.main.scrollTop = 0;
    this.draw();
    this.list.querySelector("a")?.focus({ preventScroll: true });
  }

  nothing() {
    return "Nothing fits.";
  }

  refused(message) {
    this.latest = { items: [], total: 0, wanted: new URLSearchParams() };
    this.draw();
    this.none.textContent = message;
    return true;
  }

  keys(event) {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const row = document.activeElement.closest("li");
    event.preventDefault();
    (step > 0 ? row?.nextElementSibling : row?.previousElementSibling)?.querySelector(".item").focus();
  }

  close() {
    cancelAnimationFrame(this.painting);
  }
}
