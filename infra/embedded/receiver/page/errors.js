// Sentry events, newest first; each leads to the span that it happened in.
import { choice, range, text } from "./controls.js";
import { el } from "./dom.js";
import { LinesView } from "./logs.js";

export class ErrorsView extends LinesView {
  constructor(main) {
    super(main, { title: "Errors", noun: "Sentry events", path: "api/sentry", kind: "logs errors" });
  }

  controls(asked) {
    return [
      choice("Service", "service", [["", "any"], ...this.services], asked),
      choice("Level", "level", [["", "any"], "fatal", "error", "warning", "info"], asked),
      text("Text", "text", asked, { placeholder: "part of the message" }),
      range(asked),
    ];
  }

  wanted(asked) {
    return ["service", "level", "text"].map((name) => [name, asked.get(name)]);
  }

  tail(event) {
    const from = [event.environment, event.release].filter(Boolean).join(", ");
    return [
      el("span.kindof.faint", from),
      el("span.to.mono.faint", event.trace_id ? event.trace_id.slice(0, 8) : "no trace"),
    ];
  }
}
