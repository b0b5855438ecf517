"""The table of Faust's features: each row is run by a test in a real worker on a real Kafka."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "docs" / "lift-it.md"
PROGRAMS = sorted((ROOT / "tests" / "stack" / "faust_programs").glob("test_*.py"))


def rows() -> list[str]:
    """What stands in the table's first column."""
    _, _, below = TABLE.read_text().partition("| of Faust | here |\n|---|---|\n")
    table, _, _ = below.partition("\n\n")
    return [line.removeprefix("| ").partition(" | ")[0] for line in table.splitlines()]


def said_by(test: Any) -> Iterator[str]:
    """How the rows begin that a test says it runs, by ``pytest.mark.row`` of itself or of one of
    its parameters."""
    for mark in getattr(test, "pytestmark", []):
        if mark.name == "row":
            yield mark.args[0]
        if mark.name == "parametrize":
            for each in mark.args[1]:
                yield from (m.args[0] for m in getattr(each, "marks", ()) if m.name == "row")


@pytest.fixture(scope="module")
def run() -> set[str]:
    """How the rows begin that have a test."""
    found: set[str] = set()
    for file in PROGRAMS:
        spec = importlib.util.spec_from_file_location(f"programs_{file.stem}", file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        tests = [each for name, each in vars(module).items() if name.startswith("test_")]
        found.update(row for test in tests for row in said_by(test))
    return found


def test_no_row_is_without_its_test(run: set[str]) -> None:
    assert len(rows()) > 30
    assert [row for row in rows() if not row.startswith(tuple(run))] == []


def test_no_test_runs_a_row_that_is_not_there_and_each_says_which(run: set[str]) -> None:
    assert {each: n for each in run if (n := sum(r.startswith(each) for r in rows())) != 1} == {}
