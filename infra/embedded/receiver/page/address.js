// The address holds the whole view: `#/view/id?name=value`. A copied address shows the same.

export const VIEWS = ["traces", "trace", "logs", "errors", "metrics", "map"];

/** What the address asks for: the view, what it is of, and its parameters. */
export function place() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [view, ...rest] = path.split("/");
  return {
    view: VIEWS.includes(view) ? view : "traces",
    id: decoded(rest.join("/")),
    asked: new URLSearchParams(query),
  };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a view; parameters that are empty are left out. */
export function address(view, id = "", parameters = {}) {
  const given = parameters instanceof URLSearchParams ? [...parameters] : Object.entries(parameters);
  const kept = given.filter(([, value]) => value !== "" && value !== null && value !== undefined && value !== false);
  const query = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
  return `#/${view}${id ? `/${encodeURIComponent(id)}` : ""}${query ? `?${query}` : ""}`;
}

/** Go there; `replace` leaves no step for the browser's "back". */
export function go(to, { replace = false } = {}) {
  if (location.hash === to) return;
  if (replace) {
    history.replaceState(null, "", to);
    window.dispatchEvent(new Event("hashchange"));
  } else location.hash = to;
}

/** The same view with some parameters changed. */
export function changed(changes) {
  const { view, id, asked } = place();
  return address(view, id, { ...Object.fromEntries(asked), ...changes });
}
