// The address holds the whole view: `#/view/id?name=value`. A copied address shows the same.

const VIEWS = ["traces", "trace", "logs", "errors", "metrics", "map"];

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
  const query = new URLSearchParams(given.filter(([, value]) => value !== "" && value !== undefined));
  return `#/${view}${id ? `/${encodeURIComponent(id)}` : ""}${query.size ? `?${query}` : ""}`;
}

/** The same view with some parameters changed. */
export function changed(changes) {
  const { view, id, asked } = place();
  const kept = [...asked].filter(([name]) => !(name in changes));
  return address(view, id, new URLSearchParams([...kept, ...Object.entries(changes)]));
}

/** Go there. */
export function go(to) {
  location.hash = to;
}

/** Change some parameters, without a step for the browser's "back". */
export function change(changes) {
  const to = changed(changes);
  if (location.hash === to) return;
  history.replaceState(null, "", to);
  window.dispatchEvent(new Event("hashchange"));
}
