// The page: the list with its filter, and which trace is shown (the address's #/trace/span).
import { clock, colour, counted, duration, element, load } from "./dom.js";
import { renderTrace } from "./trace.js";

const REFRESH_MS = 2000;
const filter = document.getElementById("filter");
const list = document.getElementById("list");
const detail = document.getElementById("detail");
const state = document.getElementById("state");

let listed = ""; // what is on the page already: nothing is redrawn under the reader's hands
let shown = "";

function place() {
  const [, trace = "", span = ""] = location.hash.split("/");
  return { trace, span };
}

async function refreshList() {
  const asked = new URLSearchParams({ limit: "200" });
  const wanted = new FormData(filter);
  for (const name of ["service", "name"]) if (wanted.get(name)) asked.set(name, wanted.get(name));
  if (wanted.get("errors")) asked.set("errors", "true");
  const [traces, services] = await Promise.all([
    load(`api/traces?${asked}`),
    load("api/services"),
  ]);
  const now = JSON.stringify([traces, services, place().trace]);
  if (now === listed) return;
  listed = now;
  refreshServices(services);
  const focused = document.activeElement?.closest?.("#list a")?.getAttribute("href");
  list.replaceChildren(traces.length ? rows(traces) : nothing(asked.size > 1));
  if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

function refreshServices(services) {
  const select = filter.elements.service;
  const chosen = select.value;
  const options = services.map((name) => element("option", { value: name }, name));
  select.replaceChildren(element("option", { value: "" }, "all"), ...options);
  select.value = services.includes(chosen) ? chosen : "";
}

function nothing(filtered) {
  const text = filtered
    ? "No trace fits the filter."
    : "No traces yet. Send a request to a service, and its trace appears here.";
  return element("p", { class: "empty" }, text);
}

function rows(traces) {
  return element("ul", {}, ...traces.map((trace) => element("li", {}, row(trace))));
}

function row(trace) {
  const marks = [];
  if (trace.errors) marks.push(element("span", { class: "mark error" }, counted(trace.errors, "error")));
  if (trace.sentry) marks.push(element("span", { class: "mark error" }, "Sentry"));
  if (trace.linked.length) marks.push(element("span", { class: "mark" }, "linked"));
  const facts = `${clock(trace.start)} · ${duration(trace.duration)} · ${counted(trace.spans, "span")}`;
  return element(
    "a",
    {
      href: `#/${trace.trace_id}`,
      class: trace.errors || trace.sentry ? "failed" : null,
      "aria-current": trace.trace_id === place().trace ? "true" : null,
    },
    element("span", { class: "line" }, element("span", { class: "title" }, trace.name), element("span", {}, ...marks)),
    element(
      "span",
      { class: "line" },
      element("span", { class: `service ${colour(trace.service)}` }, trace.service || "unknown"),
      element("span", { class: "facts" }, facts),
    ),
  );
}

async function refreshDetail(moved) {
  const { trace, span } = place();
  if (!trace) {
    shown = "";
    detail.replaceChildren(element("p", { class: "empty" }, "Choose a trace."));
    return;
  }
  const data = await load(`api/traces/${encodeURIComponent(trace)}`);
  if (place().trace !== trace) return; // the reader went on meanwhile
  const now = JSON.stringify(data);
  if (!moved && now === shown) return;
  shown = now;
  if (data === null || !data.spans.length) {
    const text = `Of trace ${trace} no span is kept (yet, or any more).`;
    detail.replaceChildren(element("p", { class: "empty" }, text));
    return;
  }
  await renderTrace(detail, data, span, moved);
}

async function refresh(moved = false) {
  try {
    await Promise.all([refreshList(), refreshDetail(moved)]);
    state.textContent = "";
  } catch (error) {
    state.textContent = `The receiver does not answer (${error.message}).`;
  }
}

filter.addEventListener("submit", (event) => event.preventDefault());
filter.addEventListener("input", () => refresh());
window.addEventListener("hashchange", () => refresh(true));
setInterval(() => {
  if (filter.elements.refresh.checked && !document.hidden) refresh();
}, REFRESH_MS);
refresh(true);
