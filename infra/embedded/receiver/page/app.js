// The page: which view the address asks for, the search box, shortcuts, and new data as it comes.
import { address, go, place } from "./address.js";
import { el } from "./dom.js";
import { ErrorsView } from "./errors.js";
import { listen, onKey, open } from "./keys.js";
import { Live } from "./live.js";
import { Refused } from "./load.js";
import { LogsView } from "./logs.js";
import { MapView } from "./map.js";
import { MetricsView } from "./metrics.js";
import { takeSearch, typed } from "./search.js";
import { TraceView } from "./trace.js";
import { TracesView } from "./traces.js";

const VIEWS = { traces: TracesView, trace: TraceView, logs: LogsView, errors: ErrorsView, metrics: MetricsView, map: MapView };
// What a view must have changed before it asks again, and how long it waits between (milliseconds).
const ASKS = {
  traces: [["traces"], 200],
  trace: [["traces", "logs", "sentry"], 500],
  logs: [["logs"], 300],
  errors: [["sentry"], 500],
  metrics: [["metrics"], 2000],
  map: [["traces"], 2000],
};

const main = document.getElementById("main");
const search = document.getElementById("search");
const dialog = document.getElementById("keys");
let shown = null; // the view, and the name of it
let asking = 0;
let due = null;
const news = new Set(); // kinds that have changed since the view asked

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    if (error instanceof Refused) shown.view.refused?.(error.message) ?? refused(error.message);
    else if (error instanceof TypeError || error.name === "TimeoutError") live.doubt();
    else throw error;
  }
}

function refused(message) {
  main.replaceChildren(el("p.empty", `The receiver refuses this question: ${message}.`));
  shown = null;
}

function show() {
  const now = place();
  search.elements.q.value = typed(now);
  for (const link of document.querySelectorAll("[data-view]")) {
    const here = link.dataset.view === now.view || (now.view === "trace" && link.dataset.view === "traces");
    if (here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (shown?.name !== now.view) {
    shown?.view.close?.();
    clearTimeout(due);
    due = null;

    shown = { name: now.view, view: new VIEWS[now.view](main) };
    main.scrollTop = 0;
  }
  attempt(() => shown.view.show(now));
}

/** Ask again, soon and not too often. What changes while an answer is under way is asked for after it. */
function changed(kinds) {
  for (const kind of kinds) news.add(kind);
  if (!shown || due) return;
  const [wanted, pause] = ASKS[shown.name];
  if (!wanted.some((kind) => news.has(kind))) return;
  due = setTimeout(async () => {
    news.clear();
    await attempt(() => shown?.view.refresh());
    asking = Date.now();
    due = null;
    changed([]);
  }, Math.max(0, pause - (Date.now() - asking)));
}

const live = new Live({ button: document.getElementById("live"), line: document.getElementById("state"), changed });

takeSearch(search);
listen(dialog);
onKey("/", "to the search box", () => search.elements.q.select());
onKey("p", "pause and go on", () => live.pause(!live.paused));
for (const [key, view] of [["t", "traces"], ["l", "logs"], ["e", "errors"], ["m", "metrics"], ["a", "map"]]) {
  onKey(`g ${key}`, `go to ${view}`, () => go(address(view)));
}
document.getElementById("help").addEventListener("click", () => open(dialog));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address is the view's
  main.focus();
});
window.addEventListener("hashchange", show);
show();
