// What the views that are lists have in common: filters in a bar, and a list that grows on demand.
import { fillBar, frame, rangeAsked } from "./controls.js";
import { el } from "./dom.js";
import { whole } from "./format.js";
import { load } from "./load.js";
import { LongList, sameQuestion } from "./longlist.js";

/** A view has `controls(asked)`, `wanted(asked)` as pairs for the receiver, `item(one)`; and what it overrides. */
export class ListView {
  constructor(main, { title, noun, path, kind, key, above = [] }) {
    Object.assign(this, { main, path, services: [] });
    this.list = new LongList({ frame: main, noun, key, make: (one) => el("li", this.item(one)), label: title, kind });
    this.total = el("span.total");
    this.bar = frame(main, title, ...above, this.list.place);
  }

  async show({ asked }) {
    this.asked = asked;
    const { same, said } = sameQuestion(this.said);
    this.said = said;
    this.fill();
    await this.ask(!same || this.rows !== LongList.asked(asked));
  }

  refresh() {
    return this.ask(false);
  }

  async ask(fresh) {
    const { asked } = this;
    this.rows = LongList.asked(asked);
    const wanted = new URLSearchParams({ ...rangeAsked(asked), limit: String(this.rows) });
    for (const [name, value] of this.wanted(asked)) if (value) wanted.append(name, value);
    const [found, known] = await Promise.all([load(this.path, wanted), load("api/services")]);
    if (asked !== this.asked) return; // the reader went on meanwhile
    const items = found.traces ?? found.logs ?? found.events;
    this.found(items);
    this.list.show(items, found.total, { fresh, none: this.none(wanted) });
    this.drawn?.(items);
    this.total.textContent = `${whole(items.length)} of ${whole(found.total)}`;
    const services = found.services ?? known;
    if (String(services) === String(this.services)) return;
    this.services = services;
    this.fill();
  }

  /** Told of what was found, before it is drawn. */
  found() {}

  none() {
    return "Nothing fits.";
  }

  fill() {
    fillBar(this.bar, [...this.controls(this.asked), this.total]);
  }

  refused(message) {
    this.list.list.replaceChildren();
    this.list.more.replaceChildren(`${message}.`.replace("..", "."));
    return true;
  }
}
