"""Every target of the Makefile is run: here, by another test, by a page's test, or by .ci/run."""

import re
import shutil
from collections import Counter
from pathlib import Path

import asyncpg
import pytest
from tests.making import ROOT, make

HERE = "tests/integration/test_make.py"
CI = ".ci/run"
RUN_BY = {
    "help": HERE,
    "setup": CI,
    "demo": "tests/integration/test_embedded_demo.py",
    "parts": "docs/break-it.md",
    "migrate": HERE,
    "test": CI,
    "stack-test": CI,
    "compose-test": CI,
    "load": "tests/integration/test_load.py",
    "bench": "tests/integration/test_bench.py",
    "chaos": CI,
    "check": CI,
    "coverage": "make check",
    "queries": HERE,
    "contracts": HERE,
    "openapi": "make contracts",
    "asyncapi": "make contracts",
    "signals": "make contracts",
    "client": "make contracts",
    "schemas": "make contracts",
    "dashboards": HERE,
    "screenshots": "tests/integration/page/test_page_run.py",
    "constraints": CI,
    "hashes": CI,
    "audit": CI,
    "sbom": "tests/stack/test_repository.py",
    "up": HERE,
    "down": HERE,
    "clean": HERE,
}
"""For each target what runs it: a file with a test that does, a page whose blocks are run
(test_documents_run.py), .ci/run, or another target that leads to it."""

RULE = re.compile(r"^([a-z-]+):(.*?)## .*\n((?:\t.*\n)*)", re.MULTILINE)


def rules() -> dict[str, tuple[str, str]]:
    """What each target needs first, and its recipe."""
    found = RULE.findall((ROOT / "Makefile").read_text())
    assert max(Counter(target for target, *_ in found).values()) == 1
    return {target: (needs, recipe) for target, needs, recipe in found}


def test_the_table_has_every_target() -> None:
    assert RUN_BY.keys() == rules().keys()


@pytest.mark.parametrize("target", RUN_BY)
def test_what_the_table_says_runs_a_target_runs_it(target: str) -> None:
    by = RUN_BY[target]
    if by.startswith("make "):
        needs, recipe = rules()[by.removeprefix("make ")]
        assert re.search(rf"(?<![\w-]){target}(?![\w-])", needs + recipe)
        assert RUN_BY[by.removeprefix("make ")] != by
    elif by.startswith("tests/"):
        assert re.search(rf'\b(make|command)\(\s*"{target}"', (ROOT / by).read_text())
    else:
        assert re.search(rf"\bmake {target}(?![\w-])", (ROOT / by).read_text())


def test_no_target_is_there_twice() -> None:
    recipes = Counter(recipe for _, recipe in rules().values() if recipe)
    assert [recipe for recipe, times in recipes.items() if times > 1] == []


def test_help_lists_every_target() -> None:
    listed = re.findall(r"^  make ([a-z-]+) +\S", make("help").stdout, re.MULTILINE)
    assert listed == list(rules())


async def test_migrate_makes_the_tables_of_both_services(postgres_url: str) -> None:
    done = make("migrate", environ={"DATABASE_URL": postgres_url})
    assert done.returncode == 0, done.stdout
    connection = await asyncpg.connect(postgres_url)
    rows = await connection.fetch("SELECT schemaname || '.' || tablename AS name FROM pg_tables")
    await connection.close()
    tables = {row["name"] for row in rows}
    assert {"public.books", "public.outbox", "backend.dead_letter"} <= tables


def test_migrate_without_a_database_is_one_line() -> None:
    done = make("migrate")
    assert done.returncode == 2
    assert "DATABASE_URL" in done.stdout
    assert "Traceback" not in done.stdout


def test_queries_are_checked_by_the_tests_of_them() -> None:
    done = make("queries", "ARGS=--collect-only -q")
    assert done.returncode == 0, done.stdout
    assert "tests/integration/queries/test_queries.py::" in done.stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A clone of one's own, as far as the Makefile reaches."""
    for name in ("docs", "infra", "libs", "services"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", ".env")
        )
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def contents(directory: Path) -> dict[Path, bytes]:
    return {
        path.relative_to(directory): path.read_bytes()
        for name in ("docs", "infra", "libs", "services")
        for path in (directory / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".env"
    }


def test_what_is_generated_is_what_would_be_generated(copy: Path) -> None:
    generated = [path for path in contents(copy) if str(path) == "docs/asyncapi.json"]
    generated += [path for path in contents(copy) if path.parts[:2] == ("docs", "openapi")]
    generated += [path for path in contents(copy) if path.parent.name == "dashboards"]
    generated = [path for path in generated if path.suffix == ".json"]
    assert len(generated) > 8
    for path in generated:  # a target that writes nothing would leave these
        (copy / path).unlink()
    (copy / "docs/openapi").mkdir(exist_ok=True)
    for done in (make("contracts", directory=copy), make("dashboards", directory=copy)):
        assert done.returncode == 0, done.stdout
    made, there = contents(copy), contents(ROOT)
    assert [path for path in {*made, *there} if made.get(path) != there.get(path)] == []


@pytest.fixture
def docker(tmp_path: Path) -> dict[str, str]:
    """An environment whose `docker` says what it was asked for."""
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").write_text('#!/bin/sh\necho "docker $*"\n')
    (programs / "docker").chmod(0o755)
    return {"PATH": f"{programs}:/usr/bin:/bin"}


def test_up_writes_passwords_and_down_stops_all_that_up_can_start(
    copy: Path, docker: dict[str, str]
) -> None:
    up = make("up", "WITH=load", directory=copy, environ=docker)
    assert up.returncode == 0, up.stdout
    compose = "docker compose --project-directory infra -f infra/compose.yaml"
    assert re.search(rf"^{compose} +--profile load up --build --detach --wait$", up.stdout, re.M)
    assert re.search(r"^POSTGRES_PASSWORD=[0-9a-f]{48}$", (copy / "infra/.env").read_text(), re.M)

    down = make("down", directory=copy, environ=docker)
    assert down.returncode == 0, down.stdout
    every = f"{compose} -f infra/compose.sentry.yaml --profile load down"
    assert every in down.stdout


def test_clean_removes_what_was_made_and_nothing_else(copy: Path) -> None:
    before = contents(copy)
    for name in (".venv", "build", ".mypy_cache"):
        (copy / name).mkdir()
    assert make("clean", f"VENV={copy}/.venv", directory=copy).returncode == 0
    assert sorted(path.name for path in copy.iterdir()) == [
        *("Makefile", "docs", "infra", "libs", "pyproject.toml", "services"),
    ]
    assert contents(copy) == before
