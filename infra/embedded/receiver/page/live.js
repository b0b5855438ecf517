// New data without reloading: told by the receiver, at rest while the page is hidden or paused, and
// honest when the receiver is gone.
import { duration } from "./format.js";

const RETRY = 1500; // milliseconds until a lost stream is asked for again

/** Calls `changed(kinds)` with what has changed ("traces", "logs", "metrics", "sentry"). */
export class Live {
  constructor({ button, line, changed }) {
    Object.assign(this, { button, line, changed, paused: false, stream: null, versions: null, lost: 0 });
    button.addEventListener("click", () => this.pause(!this.paused));
    document.addEventListener("visibilitychange", () => (document.hidden ? this.rest() : this.start()));
    this.start();
  }

  /** Stop or go on; `paused` is what the reader wants. */
  pause(paused) {
    this.paused = paused;
    if (paused) this.rest();
    else this.start();
  }

  start() {
    if (this.paused || document.hidden || this.stream) return;
    clearTimeout(this.timer);
    this.stream = new EventSource("api/live");
    this.stream.addEventListener("change", (event) => this.take(JSON.parse(event.data)));
    this.stream.addEventListener("error", () => this.gone());
    this.say();
  }

  rest() {
    clearTimeout(this.timer);
    this.stream?.close();
    this.stream = null;
    this.say();
  }

  take(versions) {
    const before = this.versions ?? {};
    const back = this.lost > 0;
    this.versions = versions;
    this.lost = 0;
    this.say();
    const kinds = Object.keys(versions).filter((kind) => back || versions[kind] !== before[kind]);
    if (kinds.length) this.changed(new Set(kinds));
  }

  gone() {
    this.stream?.close();
    this.stream = null;
    this.lost ||= Date.now();
    this.say();
    this.timer = setTimeout(() => this.start(), RETRY);
  }

  /** A question had no answer: the stream will tell whether the receiver is gone. */
  doubt() {
    if (!this.paused && !document.hidden) this.gone();
  }

  say() {
    const state = this.paused ? "paused" : this.lost ? "gone" : "live";
    this.button.dataset.state = state;
    this.button.setAttribute("aria-pressed", String(!this.paused));
    this.button.title = this.paused ? "Paused: what is shown stays as it is (key p)" : "New data appears by itself (key p pauses)";
    this.button.querySelector(".word").textContent = { paused: "Paused", gone: "Gone", live: "Live" }[state];
    this.line.dataset.state = state;
    const since = new Date(this.lost).toLocaleTimeString("en-GB");
    this.line.textContent = state === "gone"
      ? `The receiver does not answer since ${since}. What is shown is what it said before; the page asks again every ${duration(RETRY * 1e6)}.`
      : "";
  }
}
