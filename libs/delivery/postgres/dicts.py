"""asyncpg's rows as dicts.

``dict(row)`` asks the row for each value by its column's name. Here the columns of a result become
a function's parameters, once, and a row its arguments: ``lambda a0, a1: {'id': a0, 'title': a1}``.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import starmap
from typing import Any

import asyncpg


def dicts_of(rows: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    """``[dict(row) for row in rows]``, of the rows of one result, in half the time."""
    return list(starmap(_maker(tuple(rows[0].keys())), rows)) if rows else []


@lru_cache(maxsize=1024)
def _maker(columns: tuple[str, ...]) -> Callable[..., dict[str, Any]]:
    names = [f"a{number}" for number in range(len(columns))]
    items = ", ".join(f"{column!r}: {name}" for column, name in zip(columns, names, strict=True))
    # Of names in quotes, and ours; namedtuple is made like that.
    made: Callable[..., dict[str, Any]] = eval(f"lambda {', '.join(names)}: {{{items}}}")  # noqa: S307
    return made
