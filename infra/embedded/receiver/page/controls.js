// Controls of a view's bar. Each stands for one parameter of the address, and nothing else.
import { changed, go } from "./address.js";
import { element } from "./dom.js";

/** A list to choose from: `options` are values or `[value, text]`; the first is what stands without. */
export function choice(label, name, options, asked, change = {}) {
  const value = asked.get(name) ?? "";
  const all = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  if (value && !all.some(([known]) => known === value)) all.push([value, value]); // not here (yet)
  const select = element(
    "select",
    { name, onchange: () => go(changed({ ...change, [name]: select.value }), { replace: true }) },
    all.map(([known, text]) => element("option", { value: known, selected: known === value }, text)),
  );
  return element("label", {}, label, select);
}

/** A text; it is taken at Enter or when it is left, while typing after a pause. */
export function text(label, name, asked, { placeholder = "", type = "search", short = false, change = {} } = {}) {
  let wait = 0;
  const take = () => {
    clearTimeout(wait);
    if ((asked.get(name) ?? "") !== input.value) go(changed({ ...change, [name]: input.value.trim() }), { replace: true });
  };
  const input = element("input", {
    name, type, placeholder, value: asked.get(name) ?? "", class: short ? "short" : null, autocomplete: "off", spellcheck: "false",
    oninput: () => {
      clearTimeout(wait);
      wait = setTimeout(take, 350);
    },
    onchange: take,
  });
  return element("label", {}, label, input);
}

/** A yes or no. */
export function check(label, name, asked) {
  const input = element("input", {
    type: "checkbox", name, checked: asked.get(name) === "true",
    onchange: () => go(changed({ [name]: input.checked ? "true" : "" }), { replace: true }),
  });
  return element("label", {}, input, label);
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
  const input = element("input", {
    type: "datetime-local", name, step: "1", value: local,
    onchange: () => go(changed({ [name]: input.value ? String(new Date(input.value).getTime()) : "" }), { replace: true }),
  });
  return element("label", {}, name, input);
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

/** Put controls into a bar without taking the focus from the one that is being used. */
export function fillBar(bar, controls) {
  const active = bar.contains(document.activeElement) ? document.activeElement : null;
  const cursor = active?.selectionStart;
  bar.replaceChildren(...controls.flat().filter(Boolean));
  const again = active?.name ? bar.querySelector(`[name="${active.name}"]`) : null;
  if (!again) return;
  if (again.value !== active.value && again.type === "search") again.value = active.value; // typed meanwhile
  again.focus({ preventScroll: true });
  if (cursor !== undefined && cursor !== null && again.setSelectionRange && again.type === "search") again.setSelectionRange(cursor, cursor);
}
