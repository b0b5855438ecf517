"""A story as text: spans as a tree with durations, links followed, log lines where they belong."""

from collections.abc import Iterator

from embedded.demo.story import Library, Node, Story
from embedded.demo.terminal import Terminal, clean
from embedded.receiver.model import Log, SentryEvent, Span

FOLLOWED = 3
"""How many links of one trace are followed; the rest are counted."""
MESSAGE = 110
"""Characters of a log message or statement."""


class Tree:
    """Writes stories. A span that was shown once is not followed again."""

    def __init__(self, library: Library, terminal: Terminal) -> None:
        self._library = library
        self._paint = terminal.paint
        self._shown: set[str] = set()
        self._followed = 0

    def lines(self, title: str, story: Story) -> Iterator[str]:
        """The whole story under a title, linked stories indented below the span that they link."""
        self._followed = 0
        yield f"{self._paint(title, 'bold')}  {self._paint('trace ' + story.trace_id, 'dim')}"
        yield from self._story(story, "")
        if self._followed > FOLLOWED:
            yield f"   … and {self._followed - FOLLOWED} more linked traces like these"

    def _story(self, story: Story, indent: str) -> Iterator[str]:
        self._shown.add(story.trace_id)
        start = min(span.start for span in story.spans())
        for root in story.roots:
            yield from self._node(root, start, indent, "", "")
        for log in story.logs:
            yield f"{indent}   {self._log(log)}"
        for event in story.sentry:
            yield f"{indent}   {self._sentry(event)}"

    def _node(self, node: Node, start: int, indent: str, fork: str, below: str) -> Iterator[str]:
        span = node.span
        yield f"{indent}{fork}{self._span(span, start)}"
        for position, child in enumerate(node.children):
            last = position == len(node.children) - 1
            forks = ("└─ ", "   ") if last else ("├─ ", "│  ")
            yield from self._node(child, start, indent, below + forks[0], below + forks[1])
        for linked in self._library.linked_from(span):
            yield from self._follow(linked, f"{indent}{below}")

    def _follow(self, linked: Span, indent: str) -> Iterator[str]:
        if linked.trace_id in self._shown:
            return
        self._followed += 1
        story = self._library.story(linked.trace_id)
        if story is None or self._followed > FOLLOWED:
            return
        arrow = self._paint(f"⇢ linked from another trace, {linked.trace_id}", "cyan")
        yield f"{indent}{arrow}"
        yield from self._story(story, indent + "    ")

    def _span(self, span: Span, start: int) -> str:
        name = self._paint(clean(span.name), "red" if span.status == "error" else "cyan")
        after = f"+{(span.start - start) / 1e6:.1f}" if span.start > start else "+0"
        facts = f"{span.service} {span.kind}, {(span.end - span.start) / 1e6:.1f} ms at {after} ms"
        failed = self._paint(f"  ERROR {clean(span.status_message)}", "red")
        statement = clean(str(span.attributes.get("db.query.text", "")))[:MESSAGE]
        parts = [f"{name}  {self._paint(facts, 'dim')}"]
        if span.status == "error":
            parts.append(failed)
        if statement and statement != span.name:
            parts.append("  " + self._paint(" ".join(statement.split()), "dim"))
        return "".join(parts)

    def _log(self, log: Log) -> str:
        style = "red" if log.level in ("ERROR", "CRITICAL", "FATAL") else "yellow"
        message = clean(log.message)[:MESSAGE]
        return f"{self._paint(f'· {log.level} {log.service}', style)}  {message}"

    def _sentry(self, event: SentryEvent) -> str:
        title = self._paint(f"! Sentry {event.level}: {clean(event.message)[:MESSAGE]}", "red")
        tags = " ".join(f"{clean(name)}={clean(value)}" for name, value in event.tags.items())
        return f"{title}  {self._paint(tags, 'dim')}"
