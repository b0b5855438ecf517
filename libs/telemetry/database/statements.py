"""What a span says about a statement: a name of low cardinality, and the conventions' attributes.

Computed once per text (``describe`` is cached), so that it may look closely.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from opentelemetry.util.types import AttributeValue

MAX_TEXT: Final = 4096
"""Characters of a statement that a span shows; the rest of a longer one is cut off."""

# Transactions are opened, and savepoints kept, without a disk; see the package's docstring.
_SILENT: Final = frozenset(("BEGIN", "START", "SAVEPOINT", "RELEASE"))

# What is no SQL in itself. The last string is one that is never closed.
_OPAQUE: Final = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?\*/)
      | (?P<string>\b[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'
                  |(?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)|'.*\Z)
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<number>(?<![\w$.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b)""",
    re.VERBOSE | re.DOTALL,
)
_NAME: Final = r'((?:"[^"]+"|\w+)(?:\.(?:"[^"]+"|\w+))?)'
_TARGET: Final = {
    "SELECT": rf"\bFROM\s+(?:ONLY\s+)?{_NAME}",
    "DELETE": rf"\bFROM\s+(?:ONLY\s+)?{_NAME}",
    "INSERT": rf"\bINTO\s+{_NAME}",
    "MERGE": rf"\bINTO\s+{_NAME}",
    "UPDATE": rf"\bUPDATE\s+(?:ONLY\s+)?{_NAME}",
    "TRUNCATE": rf"\bTRUNCATE\s+(?:TABLE\s+)?{_NAME}",
    "LOCK": rf"\bLOCK\s+(?:TABLE\s+)?{_NAME}",
    "COPY": rf"\bCOPY\s+{_NAME}",
}
_VERB: Final = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_ALL: Final = re.IGNORECASE | re.DOTALL
_INNERMOST: Final = re.compile(r"\([^()]*\)")


class Server(NamedTuple):
    """Where statements go, as semantic conventions want it said."""

    address: str
    port: int | None
    database: str


class Statement(NamedTuple):
    """A span's name and attributes; shared between calls, not to be changed."""

    name: str
    attributes: dict[str, AttributeValue]


def describe(text: str, server: Server, *, has_parameters: bool) -> Statement | None:
    """What to write about a statement, None for one that is not worth a span."""
    if len(text) > MAX_TEXT:
        # Not kept: long ones are often made to measure, and would fill the cache with megabytes.
        return _describe(text, server, has_parameters)
    return _cached(text, server, has_parameters)


def _describe(text: str, server: Server, has_parameters: bool) -> Statement | None:
    bare = _OPAQUE.sub(_without_comments, text).strip()
    # What is in brackets belongs to a subquery; one that is all in brackets has nothing else.
    main = bare if bare.startswith("(") else _without_subqueries(bare)
    operation = _operation(main)
    if operation in _SILENT:
        return None
    target = _target(operation, main)
    if operation == "SELECT" and target and (changed := _in_front(target, bare)):
        operation, target = _operation(changed), _target(_operation(changed), changed)
    summary = f"{operation} {target}" if target else operation
    shown = text if has_parameters else _OPAQUE.sub(_without_literals, text)
    attributes: dict[str, AttributeValue] = {
        "db.system.name": "postgresql",
        "db.namespace": server.database,
        "db.operation.name": operation,
        "db.query.summary": summary,
        "db.query.text": shown[:MAX_TEXT],
        "server.address": server.address,
    }
    if target:
        attributes["db.collection.name"] = target
    if server.port is not None:
        attributes["server.port"] = server.port
    return Statement(summary, attributes)


_cached = lru_cache(maxsize=1024)(_describe)


def _without_comments(found: re.Match[str]) -> str:
    if found.lastgroup == "quoted":
        return found[0]
    return " " if found["comment"] else "?"


def _without_literals(found: re.Match[str]) -> str:
    return found[0] if found["comment"] or found["quoted"] else "?"


def _operation(main: str) -> str:
    found = re.match(r"[\s(]*(\w+)", main)
    operation = found[1].upper() if found else "UNKNOWN"
    if operation == "WITH" and (verb := _VERB.search(main)):
        return verb[1].upper()
    return operation


def _in_front(name: str, bare: str) -> str | None:
    """What ``WITH name AS (…)`` does, if that is a change: then it is what the statement is for."""
    found = re.search(
        rf"\b{re.escape(name)}\s+AS\s*\(\s*((?:INSERT|UPDATE|DELETE)\b.*)", bare, _ALL
    )
    return found[1] if found else None


def _target(operation: str, main: str) -> str | None:
    pattern = _TARGET.get(operation)
    match = re.search(pattern, main, re.IGNORECASE) if pattern else None
    return match[1].replace('"', "") if match else None


def _without_subqueries(bare: str) -> str:
    main, found = bare, 1
    while found:
        main, found = _INNERMOST.subn("\0", main)
    return main
