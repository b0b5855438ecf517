// The page: which view the address asks for, the search box, shortcuts, and new data as it comes.
import { address, go, place } from "./address.js";
import { el } from "./dom.js";
import { list, listen, onKey } from "./keys.js";
import { Live } from "./live.js";
import { Refused, Unanswered } from "./load.js";
import { takeSearch, typed } from "./search.js";
import "./traces.js"; // what is seen first is here at once, the other views when they are wanted

// Each view, what must have changed before it asks again, and how long it waits between (milliseconds).
const VIEWS = {
  traces: [() => import("./traces.js"), ["traces", "sentry"], 150],
  trace: [() => import("./trace.js"), ["traces", "logs", "sentry"], 500],
  logs: [() => import("./logs.js"), ["logs"], 300],
  errors: [() => import("./errors.js"), ["sentry"], 500],
  metrics: [() => import("./metrics.js"), ["metrics"], 2000],
  map: [() => import("./map.js"), ["traces"], 2000],
};

const main = document.getElementById("main");
const search = document.getElementById("search");
const dialog = document.getElementById("keys");
const news = new Set(); // kinds that have changed since the view asked
let shown = null; // the view, and the name of it
let moved = true; // the address asks for something else than what is shown
let behind = false; // something has come that no answer which was shown can have had
let turn = 0; // of the questions
let open = false; // a question is under way
let due = 0; // the timer of the next one
let answered = 0; // when there was the last answer

/** Ask what the view needs, and show it, unless it was asked anew meanwhile: that answer is the newer one. */
async function ask() {
  const { view, name } = shown;
  const now = place();
  if (now.view !== name) return; // the next one is on its way
  const mine = ++turn;
  behind ||= hasNews();
  clearTimeout(due);
  due = 0;
  open = true;
  news.clear();
  try {
    const found = await view.ask(now, moved && !behind);
    if (mine !== turn) return;
    view.show(found, now, moved);
    moved = behind = false;
  } catch (error) {
    if (error instanceof Unanswered) live.doubt();
    else if (!(error instanceof Refused)) throw error;
    else if (mine === turn) refused(view, error.message);
  } finally {
    if (mine === turn) {
      open = false;
      answered = Date.now();
      changed([]);
    }
  }
}

function hasNews() {
  return VIEWS[shown.name][1].some((kind) => news.has(kind));
}

function refused(view, message) {
  const said = `The receiver refuses this question: ${message}.`.replace("..", ".");
  if (view.refused?.(said)) return;
  main.replaceChildren(el("p.empty", said));
  shown = null; // another question needs a new view
}

/** Show what the address asks for. */
async function show() {
  const now = place();
  search.elements.q.value = typed(now);
  for (const link of document.querySelectorAll("[data-view]")) {
    const here = link.dataset.view === now.view || (now.view === "trace" && link.dataset.view === "traces");
    link.ariaCurrent = here ? "page" : null;
  }
  const { default: View } = await VIEWS[now.view][0]();
  if (now.view !== place().view) return; // the reader went on meanwhile
  if (shown?.name !== now.view) {
    shown?.view.close?.();
    shown = { name: now.view, view: new View(main) };
    main.scrollTop = 0;
  }
  moved = true;
  shown.view.sync?.(now.asked);
  ask();
}

/** Ask again, soon and not too often. What changes while an answer is under way is asked for after it. */
function changed(kinds) {
  for (const kind of kinds) news.add(kind);
  if (!shown || open || due) return;
  const wait = Math.max(0, VIEWS[shown.name][2] - (Date.now() - answered));
  if (hasNews()) due = setTimeout(ask, wait);
}

const live = new Live({ button: document.getElementById("live"), line: document.getElementById("state"), changed });

takeSearch(search);
listen(dialog);
onKey("/", "to the search box", () => search.elements.q.select());
onKey("p", "pause and go on", () => live.pause());
for (const [key, view] of [["t", "traces"], ["l", "logs"], ["e", "errors"], ["m", "metrics"], ["a", "map"]]) {
  onKey(`g ${key}`, `go to ${view}`, () => go(address(view)));
}
document.getElementById("help").addEventListener("click", () => list(dialog));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address is the view's
  main.focus();
});
window.addEventListener("hashchange", show);
show();
