// Lines over time, with exemplars as dots that lead to their trace. The drawing stretches with its
// place, what is text stays text, and the values can be read off by pointer or by arrow keys.
import { lineColour } from "./colours.js";
import { el, shape } from "./dom.js";
import { quantity, seconds } from "./format.js";
import { niceStep } from "./scale.js";

const W = 1000;
const H = 100;

/**
 * A figure of an answer with `times`, from its `start` to its `end`. `lines` are `{name, values, href?}`, a
 * value for each time, null where there is none; `exemplars` `{time, value, href, label}`; `most` the top
 * of the axis at least.
 */
export function lineChart({ times, start, end }, title, unit, lines, { exemplars = [], most = 0 } = {}) {
  const caption = el("figcaption", title);
  const drawn = lines.filter((line) => line.values && known(line).length);
  if (!drawn.length) return el("figure.chart", caption, el("p.empty", "No data yet."));
  const dots = exemplars.filter((dot) => dot.time >= start && dot.time <= end);
  const axis = axisOf([...drawn.flatMap(known), ...dots.map((dot) => dot.value)], most);
  const x = (time) => (time - start) / Math.max(end - start, 1);
  const y = (value) => 1 - (value - axis[0]) / (axis.at(-1) - axis[0]);
  const clock = (time) => seconds(time / 1e6);
  const said = `${title}, ${clock(start)} to ${clock(end)}: ${summary(drawn, unit)}. Arrow keys read the values.`;
  const short = unit.startsWith("{") ? "" : unit;
  const legend = el("ul.legend");
  const cross = el("span.cross");
  const plot = el("div.plot", { tabindex: "0", role: "img", "aria-label": said },
    drawing(times, drawn, axis, x, y),
    axis.map((tick) => el("span.y", { style: { top: `${y(tick) * 100}%` } }, quantity(tick, short))),
    cross,
  );
  const show = (chosen) => {
    cross.hidden = chosen === null;
    cross.style.setProperty("left", `${x(times[chosen ?? 0]) * 100}%`);
    const items = drawn.map((line, index) => {
      const name = line.href ? el("a", { href: line.href }, line.name) : line.name;
      const value = chosen === null ? known(line).at(-1) : line.values[chosen];
      return el("li", { class: lineColour(index) }, el("span.name", name), el("b", quantity(value, unit)));
    });
    legend.replaceChildren(...items, chosen === null ? "" : el("li.at", clock(times[chosen])));
  };
  readable(plot, legend, times, (part) => start + part * (end - start), show);
  return el("figure.chart",
    caption,
    el("div.frame", plot, dots.map((dot) => exemplar(dot, unit, clock, x, y))),
    el("div.x", { "aria-hidden": "true" }, [start, (start + end) / 2, end].map((time) => el("span", clock(time)))),
    legend,
  );
}

function known({ values }) {
  return values.filter((value) => value !== null);
}

/** Round values from below the least to above the greatest. */
function axisOf(values, most) {
  const [low, high] = [Math.min(0, ...values), Math.max(most, ...values)];
  const step = niceStep(Math.max(high - low, 1e-9) / 3);
  const from = Math.floor(low / step);
  const count = Math.max(Math.ceil(high / step) - from, 1);
  return Array.from({ length: count + 1 }, (_, index) => Number(((from + index) * step).toPrecision(12)));
}

function drawing(times, lines, axis, x, y) {
  const grid = axis.map(y).map((at) => shape("line", { class: "grid", x1: 0, x2: W, y1: at * H, y2: at * H }));
  const paths = lines.map((line, index) => {
    const parts = line.values.map((value, at) => {
      if (value === null) return "";
      const [left, top] = [(x(times[at]) * W).toFixed(1), (y(value) * H).toFixed(2)];
      const [before, after] = [line.values[at - 1], line.values[at + 1]].map((one) => (one ?? null) !== null);
      if (!before && !after) return `M${left - 5} ${top}h10`; // a value alone is a dash
      return `${before ? "L" : "M"}${left} ${top}`;
    });
    return shape("path", { class: `stroke ${lineColour(index)}`, d: parts.join("") });
  });
  return shape("svg", { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", "aria-hidden": "true" }, grid, paths);
}

function exemplar(dot, unit, clock, x, y) {
  const said = `Exemplar ${quantity(dot.value, unit)} at ${clock(dot.time)}: ${dot.label}`;
  const style = { left: `${x(dot.time) * 100}%`, top: `${y(dot.value) * 100}%` };
  return el("a.exemplar", { href: dot.href, title: said, "aria-label": said, style });
}

function summary(lines, unit) {
  const told = lines.slice(0, 6).map((line) => {
    const values = known(line);
    return `${line.name} ${quantity(values.at(-1), unit)}, at most ${quantity(Math.max(...values), unit)}`;
  });
  return told.join("; ");
}

/** `show(index)` the values at the pointer or at the place chosen by arrow keys; null: the last ones. */
function readable(plot, legend, times, timeAt, show) {
  let chosen = null;
  const choose = (index) => {
    chosen = index;
    show(index);
  };
  const leave = () => {
    legend.removeAttribute("aria-live");
    choose(null);
  };
  plot.addEventListener("pointermove", (event) => {
    const { left, width } = plot.getBoundingClientRect();
    const time = timeAt((event.clientX - left) / width);
    const distances = times.map((one) => Math.abs(one - time));
    choose(distances.indexOf(Math.min(...distances)));
  });
  plot.addEventListener("pointerleave", leave);
  plot.addEventListener("blur", leave);
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    legend.setAttribute("aria-live", "polite"); // only while somebody reads it by keys
    choose(Math.min(Math.max((chosen ?? times.length) + step, 0), times.length - 1));
  });
  choose(null);
}
