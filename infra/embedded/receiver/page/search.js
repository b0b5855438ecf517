// The one search box: a trace id, a whole traceparent (also pasted with its header's name), or
// words and `key=value` pairs that filter the list.
import { address, go, place } from "./address.js";

const PARENT = /\b[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}\b/i;
const TRACE = /^\s*(?:trace[ _-]?id\s*[:=]?\s*)?"?([0-9a-f]{32})"?\s*$/i;

/** What was typed: `{trace, span}`, or `{q, attribute: [...]}`. */
export function understood(text) {
  const parent = PARENT.exec(text);
  if (parent) return { trace: parent[1].toLowerCase(), span: parent[2].toLowerCase() };
  const id = TRACE.exec(text);
  if (id) return { trace: id[1].toLowerCase(), span: "" };
  const attribute = [];
  // A value may have blanks when it stands in quotes: db.query.text="SELECT 1".
  const words = text.replace(/([\w.:-]+)=(?:"([^"]*)"|(\S+))/g, (_, key, quoted, plain) => {
    attribute.push(`${key}=${quoted ?? plain}`);
    return "";
  });
  return { q: words.trim().replace(/\s+/g, " "), attribute };
}

/** Take what is typed into the form; the box shows what the address asks for. */
export function takeSearch(form) {
  const box = form.elements.q;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = understood(box.value);
    if (wanted.trace) {
      go(address("trace", wanted.trace, { span: wanted.span }));
      return;
    }
    const { view, asked } = place();
    const kept = view === "traces" ? new URLSearchParams(asked) : new URLSearchParams();
    for (const name of ["q", "attribute"]) kept.delete(name);
    if (wanted.q) kept.set("q", wanted.q);
    for (const pair of wanted.attribute) kept.append("attribute", pair);
    go(address("traces", "", kept));
  });
}

/** The box's text for an address. */
export function typed({ view, id, asked }) {
  if (view === "trace") return id;
  if (view !== "traces") return "";
  const pairs = asked.getAll("attribute").map((pair) => {
    const [key, ...value] = pair.split("=");
    return /\s/.test(value.join("=")) ? `${key}="${value.join("=")}"` : pair;
  });
  return [asked.get("q") ?? "", ...pairs].filter(Boolean).join(" ");
}
