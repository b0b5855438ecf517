"""Holds the records against the schemas that were recorded when they were published.

Whoever reads the topic may run code of last year, and the topic holds records of last year. So a
record may gain a field that older records lack (it needs a default) and no more: a field that goes,
changes its type or its limits, or becomes required breaks one side or the other.

    python -m contracts.compatibility --record     after a field was added
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from contracts.asyncapi import record_kinds
from contracts.topics import TOPICS

RECORDED: Final = Path(__file__).parent / "schemas"

_REF: Final = "#/$defs/{name}"
# What a person reads and no decoder does.
_PROSE: Final = frozenset({"description", "title", "examples"})


def schema_of(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """A record's JSON Schema, with what it refers to under ``$defs``."""
    (root,), definitions = msgspec.json.schema_components([kind], ref_template=_REF)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": definitions}


def current_schemas() -> dict[str, dict[str, Any]]:
    """The schemas of all records on all topics, by the record's name."""
    return {kind.__name__: schema_of(kind) for topic in TOPICS for kind in record_kinds(topic)}


def recorded_schemas() -> dict[str, dict[str, Any]]:
    """The schemas as they were recorded."""
    return {path.stem: msgspec.json.decode(path.read_bytes()) for path in RECORDED.glob("*.json")}


def incompatibilities(
    old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """What changed that may not, one line each; empty when ``new`` can follow ``old``."""
    found = [f"{name}: the record is gone" for name in old if name not in new]
    for name in old.keys() & new.keys():
        before, after = old[name], new[name]
        found += _differences(name, before["$ref"], after["$ref"], before["$defs"], after["$defs"])
    return sorted(found)


def _differences(
    at: str, old_ref: str, new_ref: str, old: Mapping[str, Any], new: Mapping[str, Any]
) -> Iterator[str]:
    before, after = (_named(old_ref, old), _named(new_ref, new))
    if "properties" not in before:
        yield from _changed(at, before, after)
        return
    had, has = before["properties"], after.get("properties", {})
    for field in had.keys() - has.keys():
        yield f"{at}.{field}: the field is gone"
    for field in set(after.get("required", ())) - set(before.get("required", ())):
        yield f"{at}.{field}: required, which older records may not have"
    for field in set(before.get("required", ())) & has.keys() - set(after.get("required", ())):
        yield f"{at}.{field}: no longer required, which older readers count on"
    for field in had.keys() & has.keys():
        where = f"{at}.{field}"
        if "$ref" in had[field] and "$ref" in has[field]:
            yield from _differences(where, had[field]["$ref"], has[field]["$ref"], old, new)
        else:
            yield from _changed(where, had[field], has[field])


def _changed(at: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    old, new = (
        {key: value for key, value in schema.items() if key not in _PROSE}
        for schema in (before, after)
    )
    if old != new:
        yield f"{at}: was {old}, is {new}"


def _named(ref: str, definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    named: Mapping[str, Any] = definitions[ref.rpartition("/")[2]]
    return named


def record() -> None:
    """Write the current schemas. Raises ValueError when they cannot follow the recorded ones."""
    if found := incompatibilities(recorded_schemas(), current_schemas()):
        raise ValueError("; ".join(found))
    for name, schema in current_schemas().items():
        text = msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"
        (RECORDED / f"{name}.json").write_bytes(text)


if __name__ == "__main__":
    if "--record" not in sys.argv:
        sys.exit(__doc__)
    record()
