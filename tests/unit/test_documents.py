"""The README and the guides name only what is there: files, make targets, tests, alerts."""

import importlib.util
import re
from pathlib import Path

import pytest
from tests.documents import SHELL, TYPED, blocks, shell_blocks

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)")
PACKAGES = "bookapp|backend|contracts|delivery|embedded|error_injection|telemetry"
MODULE = re.compile(rf"`((?:{PACKAGES})(?:\.[a-z_]+)+)`")
TARGET = re.compile(r"^([a-z-]+):.*?## (.*)$", re.MULTILINE)


def targets() -> dict[str, str]:
    return dict(TARGET.findall((ROOT / "Makefile").read_text()))


def names_of_tests() -> set[str]:
    sources = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for source in sources for name in re.findall(r"def (test_\w+)", source)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_asks_for_make_targets_that_there_are(page: Path) -> None:
    code = re.findall(r"`make ([a-z-]+)|^    make ([a-z-]+)", page.read_text(), re.MULTILINE)
    assert {name for pair in code for name in pair if name} <= set(targets())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_tests_that_there_are(page: Path) -> None:
    named = set(re.findall(r"(?<![.\w])test_\w+", page.read_text()))  # not a method of somebody's
    known = names_of_tests() | {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    # `-k` takes the beginning of a name as well.
    assert {name for name in named if not any(one.startswith(name) for one in known)} == set()


@pytest.mark.parametrize("page", ["README.md", "docs/architecture.md", "docs/lift-it.md"])
def test_the_modules_that_are_explained_are_there(page: str) -> None:
    named = MODULE.findall((ROOT / page).read_text())
    assert {name for name in named if not resolves(name)} == set()


def resolves(name: str) -> bool:
    """Whether it is a module, or something in one."""
    if importlib.util.find_spec(name) is not None:
        return True
    module, _, attribute = name.rpartition(".")
    return hasattr(importlib.import_module(module), attribute)


def test_the_page_on_make_has_the_makefile_s_own_list() -> None:
    page = (ROOT / "docs" / "make.md").read_text()
    rows = re.findall(r"^\| `make ([a-z-]+)` \| (.*) \|$", page, re.M)
    assert dict(rows) == targets()


def test_the_readme_fits_on_three_screens_and_begins_with_a_picture() -> None:
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    assert next(line for line in lines[1:] if line).startswith("<picture>")


def test_the_index_leads_to_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {path.name for path in PAGES if path.parent.name == "docs"} - {"README.md"}
    assert {page for page in pages if f"]({page})" not in index} == set()


def test_every_alert_has_its_section() -> None:
    rules = "".join(path.read_text() for path in (ROOT / "infra/prometheus/rules").glob("*.yaml"))
    alerts = re.findall(r"alert: (\w+)", rules)
    sections = re.findall(r"^## (\w+)", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE)
    assert sorted(alerts) == sorted(sections)


PAGES_WITH_COMMANDS = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=lambda page: page.name)
def test_every_shell_block_is_typed_by_a_test_or_says_what_runs_it(page: Path) -> None:
    here = str(page.relative_to(ROOT))
    assert bool(shell_blocks(page)) == (here in TYPED)
    for block in blocks(page):
        if block.by:
            assert SHELL.match(block.text), "a comment that is about no commands"
            assert block.why
        for place in block.by:
            assert (ROOT / place).is_file()
        sources = "".join((ROOT / place).read_text() for place in block.by)
        for target in re.findall(r"^make ([a-z-]+)", block.text, re.M) if block.by else []:
            assert re.search(rf'\bmake {target}\b|\b(make|command)\(\s*"{target}"', sources), target


@pytest.mark.parametrize("page", PAGES_WITH_COMMANDS, ids=lambda page: page.name)
def test_no_command_hides_where_no_test_looks_for_one(page: Path) -> None:
    """In a block that begins with something else, or within a fence."""
    text = page.read_text()
    others = [block.text for block in blocks(page) if not SHELL.match(block.text)]
    commands = re.compile(r"^(make [a-z-]+|\.venv/bin/|(python|pip|curl|faust|docker) )", re.M)
    assert [other for other in others if commands.search(other)] == []
    assert set(re.findall(r"^```(\w*)$", text, re.M)) <= {"", "json"}
    comments = len(re.findall(r"^<!-- run by ", text, re.M))
    assert comments == sum(bool(block.by) for block in blocks(page))
