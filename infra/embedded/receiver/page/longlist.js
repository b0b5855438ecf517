// A list, newest first, that grows on demand and does not move under a reader: while somebody has
// scrolled or stands in it with the keyboard, only what is shown already is brought up to date.
import { changed, go, place } from "./address.js";
import { button, el, reconcile } from "./dom.js";
import { whole } from "./format.js";

const PAGE = 200;

/** `key(item)` names an item, `make(item)` draws it as a list item with a link. */
export class LongList {
  constructor({ frame, noun, key, make, label, kind = "" }) {
    Object.assign(this, { frame, noun, key, make, items: [] });
    this.news = button("", () => this.top(), { class: "news", hidden: true });
    this.list = el("ol", { class: `list ${kind}`, "aria-label": label });
    this.more = el("p.more");
    this.place = el("div.scroll", this.news, this.list, this.more);
    this.list.addEventListener("keydown", (event) => this.keys(event));
  }

  /** How many are asked for: the address says so, too. */
  static asked(asked) {
    return Math.max(Number(asked.get("rows")) || 0, PAGE);
  }

  /** Show what was asked for anew (`fresh`), or what has come. */
  show(items, total, { fresh = false, none = "" } = {}) {
    this.latest = { items, total, none };
    if (fresh || !this.held()) this.draw();
    else this.keep();
  }

  held() {
    return this.items.length > 0 && (this.frame.scrollTop > 40 || this.list.contains(document.activeElement));
  }

  draw() {
    const { items, total, none } = this.latest;
    this.items = items;
    this.news.hidden = true;
    reconcile(this.list, items, this.key, this.make);
    this.list.hidden = items.length === 0;
    this.foot(total, none);
  }

  keep() {
    const { items } = this.latest;
    const now = new Map(items.map((item) => [this.key(item), item]));
    const known = new Set(this.items.map(this.key));
    this.items = this.items.map((item) => now.get(this.key(item)) ?? item);
    reconcile(this.list, this.items, this.key, this.make);
    const fresh = items.filter((item) => !known.has(this.key(item))).length;
    this.news.hidden = fresh === 0;
    this.news.textContent = `↑ ${whole(fresh)} new`;
  }

  foot(total, none) {
    if (!this.items.length) this.more.replaceChildren(none);
    else {
      const left = total - this.items.length;
      const rows = this.items.length + PAGE;
      this.more.replaceChildren(
        `${whole(this.items.length)} of ${whole(total)} ${this.noun}`,
        left > 0 ? button(`Show ${whole(Math.min(left, PAGE))} more`, () => go(changed({ rows }), { replace: true })) : "",
      );
    }
  }

  top() {
    document.activeElement?.blur();
    this.frame.scrollTop = 0;
    this.draw();
    this.list.querySelector("a")?.focus({ preventScroll: true });
  }

  keys(event) {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const links = [...this.list.querySelectorAll(":scope > li > .item")];
    const to = links[links.indexOf(document.activeElement.closest(".item")) + step];
    event.preventDefault();
    to?.focus();
  }
}

/** Whether the address asks for another list than before, but for its length. */
export function sameQuestion(before) {
  const { view, asked } = place();
  const now = new URLSearchParams(asked);
  now.delete("rows");
  const said = `${view}?${now}`;
  return { same: said === before, said };
}
