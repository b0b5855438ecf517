// Builds elements. Text only ever becomes text: nothing here parses HTML.
import { colour } from "./colours.js";

const SVG = document.querySelector("svg").namespaceURI;

/** An element: "tag.class.class", then attributes (`on…` are listeners, `style` an object), nodes or text. */
export function el(name, ...content) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  made.classList.add(...classes);
  const plain = content[0]?.constructor === Object;
  return fill(made, plain ? content[0] : {}, plain ? content.slice(1) : content);
}

/** A button that does `press`. */
export function button(text, press, attributes = {}) {
  return el("button", { type: "button", onclick: press, ...attributes }, text);
}

/** The same as `el` in SVG, classes as an attribute. */
export function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") {
      // Through the object model: the content security policy refuses style attributes.
      for (const [property, set] of Object.entries(value)) made.style.setProperty(property, set);
    } else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Names and values in two columns; a value that is no text is shown as JSON. */
export function table(rows) {
  const text = (value) => (typeof value === "string" || value instanceof Node ? value : JSON.stringify(value));
  return el("table.pairs",
    el("tbody",
      rows.map(([name, value]) =>
        el("tr", el("th", { scope: "row" }, breakable(name)), el("td", text(value))),
      ),
    ),
  );
}

/** A service's name in its colour. */
export function serviceMark(name) {
  return el(`span.service.${colour(name)}`, name || "(no service)");
}

/** A table of figures: rows of cells, of which the first two are words and the first names the row. */
export function figures(label, heads, rows) {
  const words = (index) => (index < 2 ? "text" : null);
  const head = heads.map((name, index) => el("th", { scope: "col", class: words(index) }, name));
  const cell = (content, index) =>
    index ? el("td", { class: words(index) }, content) : el("th", { scope: "row" }, content);
  const body = rows.map((row) => el("tr", row.map(cell)));
  const made = el("table.figures", el("thead", el("tr", head)), el("tbody", body));
  return el("div.wide", { tabindex: "0", role: "region", "aria-label": label }, made);
}

/** A name that may go on in the next line after each of its dots. */
function breakable(name) {
  return String(name).split(/(?<=[._])/).flatMap((part) => [part, document.createElement("wbr")]);
}

/** Whether somebody is at something in this place, which would vanish if it were drawn anew. */
export function inUse(place) {
  return place.querySelector(":focus-visible, :active, .plot:hover") !== null;
}

/**
 * Bring the children of `place` in line with `items`. An element whose item says the same as before
 * stays as it is: neither focus, selection nor scroll position is lost.
 */
export function reconcile(place, items, key, make) {
  const before = new Map([...place.children].map((child) => [child.dataset.key, child]));
  const focused = place.contains(document.activeElement) && document.activeElement.closest("[data-key]")?.dataset.key;
  items.forEach((item, index) => {
    const name = String(key(item));
    const said = JSON.stringify(item);
    let child = before.get(name);
    before.delete(name); // a second item of that name has an element of its own
    if (child?.said !== said) {
      child?.remove();
      child = Object.assign(make(item), { said });
      child.dataset.key = name;
    }
    if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null);
    if (name === focused && !child.contains(document.activeElement)) {
      child.querySelector("a, button")?.focus({ preventScroll: true });
    }
  });
  while (place.children.length > items.length) place.lastElementChild.remove();
}
