// Keyboard shortcuts: single keys, listed under "?". They rest while somebody types.
import { el } from "./dom.js";

const known = []; // {keys, does, group}
const actions = new Map();

/** Take a key (`"t"`, or `"g t"` for two in a row); `does` is what the list under "?" says. */
export function onKey(keys, does, action, group = "Everywhere") {
  describe(keys, does, group);
  actions.set(keys, action);
}

/** Say a key in the list that its own element takes. */
export function describe(keys, does, group) {
  if (!known.some((one) => one.keys === keys && one.group === group)) known.push({ keys, does, group });
}

/** Forget an action; its line in the list stays. */
export function offKey(keys) {
  actions.delete(keys);
}

let first = "";

/** Start listening; `dialog` is the element that lists the keys. */
export function listen(dialog) {
  onKey("?", "this list", () => list(dialog));
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, dialog[open]");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing) {
      if (event.key === "Escape" && event.target.matches("input, select")) event.target.blur();
      return;
    }
    const pair = `${first} ${event.key}`;
    const action = actions.get(pair) ?? actions.get(event.key);
    first = event.key === "g" ? "g" : "";
    if (!action) return;
    event.preventDefault();
    action(event);
  });
}

/** Show the list of keys. */
export function list(dialog) {
  const line = ({ keys, does }) => [el("dt", keys.split(" ").map((key) => el("kbd", key))), el("dd", does)];
  const groups = [...Map.groupBy(known, (one) => one.group)];
  dialog.replaceChildren(
    el("h2", { id: "keys-title" }, "Keyboard"),
    el("div.keys", groups.map(([group, all]) => el("section", el("h3", group), el("dl", all.map(line))))),
    el("form", { method: "dialog" }, el("button", { autofocus: true }, "Close")),
  );
  if (!dialog.open) dialog.showModal();
}
