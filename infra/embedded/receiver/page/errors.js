// All Sentry events, newest first; each leads to the span that it happened in.
import { LinesView } from "./logs.js";

export default class ErrorsView extends LinesView {
  constructor(main) {
    super(main, { title: "Errors", noun: "Sentry events", path: "api/sentry", kind: "logs" });
  }
}
