// Controls of a view's bar. Each stands for one parameter of the address, and nothing else.
import { changed, go, place } from "./address.js";
import { arrange, el } from "./dom.js";

/** A view's heading (for screen readers), its bar, which is returned, and its content, instead of what is shown. */
export function frame(main, title, ...content) {
  const bar = el("form.bar", { "aria-label": "Filters", onsubmit: (event) => event.preventDefault() });
  document.title = title;
  main.replaceChildren(el("h1.quiet", title), bar, ...content);
  return bar;
}

function control(label, field, { behind = false, said = "" } = {}) {
  field.id = `by-${field.name}`;
  const name = el("label", { for: field.id }, label);
  const made = el("span.control", { "data-key": field.name }, behind ? [field, name] : [name, field]);
  made.said = said;
  return made;
}

/** A list to choose from: `options` are values or `[value, text]`; the first is what stands without. */
export function choice(label, name, options, asked, change = {}) {
  const value = asked.get(name) ?? "";
  const all = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  if (value && !all.some(([known]) => known === value)) all.push([value, value]); // not here (yet)
  const select = el(
    "select",
    { name, onchange: () => go(changed({ ...change, [name]: select.value }), { replace: true }) },
    all.map(([known, text]) => el("option", { value: known, selected: known === value }, text)),
  );
  return control(label, select, { said: JSON.stringify(all) });
}

/** A text; it is taken at Enter or when it is left, while typing after a pause. */
export function text(label, name, asked, { placeholder = "", short = false } = {}) {
  let wait = 0;
  const take = () => {
    clearTimeout(wait);
    const typed = input.value.trim();
    if ((place().asked.get(name) ?? "") !== typed) go(changed({ [name]: typed }), { replace: true });
  };
  const input = el("input", {
    name, placeholder, type: "search", value: asked.get(name) ?? "", class: short ? "short" : null,
    autocomplete: "off", spellcheck: "false",
    oninput: () => {
      clearTimeout(wait);
      wait = setTimeout(take, 350);
    },
    onchange: take,
  });
  return control(label, input);
}

/** A yes or no. */
export function check(label, name, asked) {
  const input = el("input", {
    type: "checkbox", name, checked: asked.get(name) === "true",
    onchange: () => go(changed({ [name]: input.checked ? "true" : "" }), { replace: true }),
  });
  return control(label, input, { behind: true });
}

const RANGES = [["", "any time"], ["300", "last 5 min"], ["900", "last 15 min"], ["3600", "last hour"], ["between", "between…"]];

/** A range of time: `last` seconds, or `from` and `to` in milliseconds. */
export function range(asked) {
  const last = choice("Time", "last", RANGES, asked, { from: "", to: "" });
  if (asked.get("last") !== "between") return [last];
  return [last, moment("from", asked), moment("to", asked)];
}

function moment(name, asked) {
  const given = Number(asked.get(name));
  const local = given ? new Date(given - new Date(given).getTimezoneOffset() * 60_000).toISOString().slice(0, 19) : "";
  const input = el("input", {
    type: "datetime-local", name, step: "1", value: local,
    onchange: () => go(changed({ [name]: input.value ? String(new Date(input.value).getTime()) : "" }), { replace: true }),
  });
  return control(name, input);
}

/** The range as the receiver's `from` and `to`. */
export function rangeAsked(asked, otherwise = "") {
  const last = asked.get("last") ?? otherwise;
  const nanoseconds = (milliseconds) => `${Math.round(milliseconds)}000000`;
  const found = {};
  if (last === "between") {
    for (const name of ["from", "to"]) if (Number(asked.get(name))) found[name] = nanoseconds(Number(asked.get(name)));
  } else if (Number(last)) found.from = nanoseconds(Date.now() - Number(last) * 1000);
  return found;
}

/**
 * Bring a bar in line with `controls`. One that asks the same as before stays the element that it is:
 * neither focus nor what is being typed is lost.
 */
export function fillBar(bar, controls) {
  const before = new Map([...bar.children].map((child) => [child.dataset.key, child]));
  let focus = null;
  const wanted = controls.flat(Infinity).filter(Boolean).map((made) => {
    const kept = made.dataset.key ? before.get(made.dataset.key) : null;
    if (!kept) return made;
    const [field, now] = [fieldOf(kept), fieldOf(made)];
    if (kept.said !== made.said) {
      if (field === document.activeElement) focus = now;
      return made;
    }
    if (field !== document.activeElement) Object.assign(field, { value: now.value, checked: now.checked });
    return kept;
  });
  arrange(bar, wanted);
  focus?.focus({ preventScroll: true });
}

function fieldOf(control) {
  return control.querySelector("select, input");
}
