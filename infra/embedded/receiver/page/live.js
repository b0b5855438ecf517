// New data without reloading: told by the receiver, at rest while the page is hidden or paused, and
// honest when the receiver is gone. A stream that is lost is asked for again by the browser.
import { seconds } from "./format.js";

const RETRY = 1500; // milliseconds; the receiver tells the browser the same

/** Calls `changed(kinds)` with what has changed ("traces", "logs", "metrics", "sentry"). */
export class Live {
  constructor({ button, line, changed }) {
    Object.assign(this, { button, line, changed, paused: false, stream: null, versions: {}, lost: 0 });
    button.addEventListener("click", () => this.pause());
    document.addEventListener("visibilitychange", () => this.start());
    this.start();
  }

  /** Stop, or go on. */
  pause() {
    this.paused = !this.paused;
    this.start();
  }

  start() {
    clearTimeout(this.timer);
    this.stream?.close();
    this.stream = null;
    if (!this.paused && !document.hidden) {
      this.stream = new EventSource("api/live");
      this.stream.addEventListener("change", (event) => this.take(JSON.parse(event.data)));
      this.stream.addEventListener("error", () => this.gone());
    }
    this.say();
  }

  take(versions) {
    const kinds = Object.keys(versions).filter((kind) => this.lost || versions[kind] !== this.versions[kind]);
    Object.assign(this, { versions, lost: 0 });
    this.say();
    if (kinds.length) this.changed(kinds);
  }

  gone() {
    this.lost ||= Date.now();
    this.say();
    clearTimeout(this.timer);
    if (this.stream?.readyState === EventSource.CLOSED) this.timer = setTimeout(() => this.start(), RETRY);
  }

  /** A question had no answer: a new stream tells whether the receiver is gone. */
  doubt() {
    if (!this.stream) return;
    this.lost ||= Date.now();
    this.start();
  }

  say() {
    const state = this.paused ? "paused" : this.lost ? "gone" : "live";
    this.button.dataset.state = state;
    this.button.setAttribute("aria-pressed", String(!this.paused));
    this.button.title = `${this.paused ? "What is shown stays as it is" : "New data appears by itself"} (key p)`;
    this.button.querySelector(".word").textContent = { paused: "Paused", gone: "Gone", live: "Live" }[state];
    const since = `The receiver does not answer since ${seconds(this.lost)}.`;
    this.line.textContent = state === "gone" ? `${since} What is shown is what it said before; it is asked again.` : "";
  }
}
