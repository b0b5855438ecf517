// Lines over time, with exemplars as dots that lead to their trace. The drawing stretches with its
// place, what is text stays text, and the values can be read off by pointer or by arrow keys.
import { lineColour } from "./colours.js";
import { el, shape } from "./dom.js";
import { quantity, seconds } from "./format.js";
import { niceStep } from "./scale.js";

const W = 1000;
const H = 100;

/**
 * A figure. `lines` are `{name, points: [[milliseconds, value or null]…], href?}`, `exemplars`
 * `{time, value, href, label}`; `from` and `to` milliseconds; `most` the top of the axis at least.
 */
export function lineChart({ title, unit, lines, from, to, exemplars = [], most = 0 }) {
  const values = lines.flatMap((line) => line.points.map((point) => point[1])).filter((value) => value !== null);
  const shownDots = exemplars.filter((dot) => dot.time >= from && dot.time <= to);
  if (!values.length) return el("figure.chart", caption(title), el("p.empty", "No data yet."));
  const axis = range([...values, ...shownDots.map((dot) => dot.value)], most);
  const x = (time) => (time - from) / Math.max(to - from, 1);
  const y = (value) => 1 - (value - axis.low) / (axis.high - axis.low);
  const legend = el("ul.legend");
  const plot = el("div.plot", { tabindex: "0", role: "img", "aria-label": summary(title, unit, lines, from, to) },
    drawing(lines, axis, x, y),
    axis.ticks.map((tick) => el("span.y", { style: { top: `${y(tick) * 100}%` } }, quantity(tick, unit.startsWith("{") ? "" : unit))),
  );
  const cross = el("span.cross", { hidden: true });
  plot.append(cross);
  readable(plot, cross, lines, unit, legend, { from, to, x });
  return el("figure.chart",
    caption(title),
    el("div.frame", plot, shownDots.map((dot) => exemplar(dot, unit, x, y))),
    el("div.x", { "aria-hidden": "true" }, [0, 1, 2].map((third) => el("span", seconds(from + ((to - from) * third) / 2)))),
    legend,
  );
}

function caption(title) {
  return el("figcaption", title);
}

function range(values, most) {
  const low = Math.min(0, ...values);
  const high = Math.max(most, ...values);
  const step = niceStep(Math.max(high - low, 1e-9) / 3);
  const from = Math.floor(low / step) * step;
  const to = Math.max(Math.ceil(high / step) * step, from + step);
  const ticks = [];
  for (let tick = from; tick <= to + step / 2; tick += step) ticks.push(Number(tick.toPrecision(12)));
  return { low: from, high: to, ticks };
}

function drawing(lines, axis, x, y) {
  const grid = axis.ticks.map((tick) => shape("line", { class: "grid", x1: 0, x2: W, y1: y(tick) * H, y2: y(tick) * H }));
  const paths = lines.map((line, index) => {
    const shade = line.colour ?? lineColour(index);
    const alone = line.points.filter(([, value], at) => value !== null && (line.points[at - 1]?.[1] ?? null) === null && (line.points[at + 1]?.[1] ?? null) === null);
    const dots = alone.map((point) => path([point], x, y)).join("");
    return [shape("path", { class: `stroke ${shade}`, d: path(line.points, x, y) }), dots && shape("path", { class: `stroke alone ${shade}`, d: dots })];
  });
  return shape("svg", { viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: "none", "aria-hidden": "true" }, grid, paths);
}

function path(points, x, y) {
  let pen = "M";
  const parts = [];
  for (const [time, value] of points) {
    if (value === null) pen = "M";
    else {
      const place = `${(x(time) * W).toFixed(1)} ${(y(value) * H).toFixed(2)}`;
      parts.push(pen === "M" ? `M${place}h0` : `L${place}`);
      pen = "L";
    }
  }
  return parts.join("");
}

function exemplar(dot, unit, x, y) {
  const said = `Exemplar ${quantity(dot.value, unit)} at ${seconds(dot.time)}: ${dot.label}`;
  const style = { left: `${x(dot.time) * 100}%`, top: `${y(dot.value) * 100}%` };
  return el("a.exemplar", { href: dot.href, title: said, "aria-label": said, style });
}

function summary(title, unit, lines, from, to) {
  const said = lines.slice(0, 6).map((line) => {
    const values = line.points.map((point) => point[1]).filter((value) => value !== null);
    return values.length ? `${line.name} ${quantity(values.at(-1), unit)}, at most ${quantity(Math.max(...values), unit)}` : "";
  });
  return `${title}, ${seconds(from)} to ${seconds(to)}: ${said.filter(Boolean).join("; ")}. Arrow keys read the values.`;
}

/** The legend shows the last values, or those at the pointer or at the place chosen by arrow keys. */
function readable(plot, cross, lines, unit, legend, { from, to, x }) {
  const times = [...new Set(lines.flatMap((line) => line.points.map((point) => point[0])))].sort((a, b) => a - b);
  let chosen = null;
  const show = () => {
    cross.hidden = chosen === null;
    if (chosen !== null) cross.style.setProperty("left", `${x(times[chosen]) * 100}%`);
    legend.replaceChildren(
      ...lines.map((line, index) => {
        const known = line.points.filter((point) => point[1] !== null);
        const point = chosen === null ? known.at(-1) : line.points.find(([time]) => time === times[chosen]);
        const name = line.href ? el("a", { href: line.href }, line.name) : line.name;
        const value = el("b", quantity(point?.[1], unit));
        return el("li", { class: line.colour ?? lineColour(index) }, el("span.name", name), value);
      }),
      chosen === null ? "" : el("li.at", seconds(times[chosen])),
    );
  };
  const nearest = (time) => times.reduce((best, one, index) => (Math.abs(one - time) < Math.abs(times[best] - time) ? index : best), 0);
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    chosen = nearest(from + ((event.clientX - box.left) / box.width) * (to - from));
    show();
  });
  const leave = () => {
    chosen = null;
    legend.removeAttribute("aria-live");
    show();
  };
  plot.addEventListener("pointerleave", leave);
  plot.addEventListener("blur", leave);
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    legend.setAttribute("aria-live", "polite"); // only while somebody reads it by keys
    chosen = Math.min(Math.max((chosen ?? times.length) + step, 0), times.length - 1);
    show();
  });
  show();
}
