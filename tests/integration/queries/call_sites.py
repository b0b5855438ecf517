"""Which functions of ours send SQL: found in the source, and noted when they do.

Both are (module, function), so that the two sets can be compared: a new query that nobody checks
is a difference.
"""

import ast
import importlib.util
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import asyncpg

PACKAGES = ("delivery", "error_injection", "bookapp", "backend")
DRIVER_METHODS = {
    "execute",
    "executemany",
    "fetch",
    "fetchrow",
    "fetchval",
    "copy_records_to_table",
}
TABLE_METHODS = {"select", "insert", "update", "delete", "count", "objects", "exists", "raw"}

CallSite = tuple[str, str]


class Recording(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that notes for whom it works; PostgreSQL prepares and runs what it is given."""

    sites: ClassVar[set[CallSite]] = set()

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        self._note()
        return await super().execute(query, *args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> Any:
        self._note()
        return await super().fetch(query, *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        self._note()
        return await super().fetchval(query, *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        self._note()
        return await super().fetchrow(query, *args, **options)

    def _note(self) -> None:
        frame = sys._getframe(2)
        while frame is not None:
            module = frame.f_globals.get("__name__", "")
            if module.partition(".")[0] in PACKAGES:
                self.sites.add((module, frame.f_code.co_name))
            frame = frame.f_back  # type: ignore[assignment]  # None ends the loop


def in_the_source() -> set[CallSite]:
    """Every function that calls the driver or builds a query of Piccolo's, migrations aside."""
    found: set[CallSite] = set()
    for module, path in _modules():
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and any(
                _is_query(node) for node in _own_nodes(function)
            ):
                found.add((module, function.name))
    return found


def _modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        assert spec is not None
        for info in pkgutil.walk_packages(spec.submodule_search_locations, f"{package}."):
            found = info.module_finder.find_spec(info.name, None)  # type: ignore[call-arg]
            if "migration" not in info.name and found is not None and found.origin is not None:
                yield info.name, Path(found.origin)


def _own_nodes(function: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    for node in ast.iter_child_nodes(function):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            yield from _own_nodes(node)


def _is_query(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return False
    method, target = node.func.attr, node.func.value
    name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
    if method in DRIVER_METHODS:
        return name not in {"_thread", "_positions", "self"}  # Kafka's; a command's of Faust
    is_table = name == "_table" or name[:1].isupper()
    return method in TABLE_METHODS and is_table
