// Controls of a view's bar. Each stands for one parameter of the address, and nothing else. Its `sync`
// brings it in line with the address, and leaves alone what somebody is typing.
import { change, place } from "./address.js";
import { el } from "./dom.js";

/** A heading for screen readers, a bar of controls, and content, instead of what is shown. */
export function frame(main, title, controls, ...content) {
  document.title = title;
  const bar = el("form.bar", { "aria-label": "Filters", onsubmit: (event) => event.preventDefault() }, controls);
  main.replaceChildren(el("h1.quiet", title), bar, ...content);
  return (asked) => controls.forEach((control) => control.sync?.(asked));
}

function control(label, field, sync) {
  field.id = `by-${field.name}`;
  const name = el("label", { for: field.id }, label);
  const made = el("span.control", field.type === "checkbox" ? [field, name] : [name, field]);
  made.sync = (asked) => sync(asked, asked.get(field.name) ?? "");
  return made;
}

/** A list to choose from: `options()` are values or `[value, text]`; `also` are changed with it. */
export function choice(label, name, options, also = {}) {
  const select = el("select", { name, onchange: () => change({ ...also, [name]: select.value }) });
  let said = "";
  return control(label, select, (asked, value) => {
    const all = options().map((option) => [option].flat());
    if (!all.some(([known]) => known === value)) all.push([value]); // not here (yet)
    if (said !== JSON.stringify(all)) {
      said = JSON.stringify(all);
      select.replaceChildren(...all.map(([known, text = known]) => el("option", { value: known }, text)));
    }
    if (select.value !== value) select.value = value;
  });
}

/** A text; it is taken at Enter or when it is left, while typing after a pause. */
export function text(label, name, { placeholder = "", short = false } = {}) {
  let wait = 0;
  const take = () => {
    clearTimeout(wait);
    const typed = input.value.trim();
    if (input.isConnected && (place().asked.get(name) ?? "") !== typed) change({ [name]: typed });
  };
  const input = el("input", {
    name, placeholder, type: "search", class: short ? "short" : null, autocomplete: "off", spellcheck: "false",
    oninput: () => {
      clearTimeout(wait);
      wait = setTimeout(take, 350);
    },
    onchange: take,
  });
  return control(label, input, (asked, value) => {
    if (input !== document.activeElement) input.value = value;
  });
}

/** A yes or no. */
export function check(label, name) {
  const take = () => change({ [name]: input.checked ? "true" : "" });
  const input = el("input", { type: "checkbox", name, onchange: take });
  return control(label, input, (asked, value) => {
    input.checked = value === "true";
  });
}

const RANGES = [
  ["", "any time"], ["300", "last 5 min"], ["900", "last 15 min"], ["3600", "last hour"], ["between", "between…"],
];

/** A range of time: `last` seconds, or `from` and `to` in milliseconds. */
export function range() {
  return [choice("Time", "last", () => RANGES, { from: "", to: "" }), moment("from"), moment("to")];
}

function moment(name) {
  const take = () => change({ [name]: input.value ? String(new Date(input.value).getTime()) : "" });
  const input = el("input", { type: "datetime-local", name, step: "1", onchange: take });
  const made = control(name, input, (asked, value) => {
    made.hidden = asked.get("last") !== "between";
    const time = new Date(Number(value));
    const local = new Date(time - time.getTimezoneOffset() * 60_000);
    if (input !== document.activeElement) input.value = Number(value) ? local.toISOString().slice(0, 19) : "";
  });
  return made;
}

/** The range as the receiver's `from` and `to`. */
export function rangeAsked(asked, otherwise = "") {
  const last = asked.get("last") ?? otherwise;
  const nanoseconds = (milliseconds) => `${Math.round(milliseconds)}000000`;
  if (last !== "between") return Number(last) ? { from: nanoseconds(Date.now() - Number(last) * 1000) } : {};
  const given = ["from", "to"].filter((name) => Number(asked.get(name)));
  return Object.fromEntries(given.map((name) => [name, nanoseconds(Number(asked.get(name)))]));
}
