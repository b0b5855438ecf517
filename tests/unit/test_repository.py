"""What people who join find: one version, hashes for every pin, a workflow that runs .ci/run."""

import importlib.metadata
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())


def pins(file: str) -> dict[str, str]:
    """The pinned versions in a file of requirements, by canonical name."""
    found = re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / file).read_text(), re.M)
    return {canonicalize_name(name): version for name, version in found}


def test_the_version_is_the_newest_one_of_the_changelog() -> None:
    newest = re.search(r"^## (\d+\.\d+\.\d+) ", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest is not None
    assert importlib.metadata.version("event-driven-books") == newest[1]


def test_every_pinned_version_has_its_hashes() -> None:
    pinned, hashed = pins("constraints.txt"), pins("constraints.hashes.txt")
    # Those that another system needs and this one does not are resolved for the hashes alone.
    assert set(pinned.items()) - set(hashed.items()) == set(), "run: make hashes"
    text = (ROOT / "constraints.hashes.txt").read_text()
    assert len(re.findall(r"^\S.*\\\n    --hash=sha256:", text, re.M)) == len(hashed)


def test_the_build_backend_is_pinned_as_it_is_elsewhere() -> None:
    backend = re.search(r'requires = \["hatchling==(.+)"\]', (ROOT / "pyproject.toml").read_text())
    assert backend is not None
    assert backend[1] == pins("constraints.txt")["hatchling"]


@pytest.mark.parametrize("job", WORKFLOW["jobs"])
def test_a_job_of_the_hosted_workflow_runs_a_part_of_the_ci_script(job: str) -> None:
    steps: list[dict[str, Any]] = WORKFLOW["jobs"][job]["steps"]
    (ran,) = [step["run"] for step in steps if "run" in step]
    command, *parts = ran.removeprefix("bash ").replace("${{ github.job }}", job).split()
    assert command == ".ci/run"
    known = subprocess.run(
        ["bash", ".ci/run", "no-such-part"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert known.returncode == 2
    assert set(parts) <= set(re.findall(r"\w+", known.stderr))
    assert parts


def test_a_job_of_the_hosted_workflow_ends_by_itself() -> None:
    assert all(job["timeout-minutes"] <= 60 for job in WORKFLOW["jobs"].values())


def test_the_hosted_tests_run_on_every_python_that_we_promise() -> None:
    versions = WORKFLOW["jobs"]["tests"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13", "3.14"]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_what_a_page_leads_to_is_there(page: str) -> None:
    linked = re.findall(r"\]\(([^)#]+)", (ROOT / page).read_text())
    missing = [to for to in linked if "://" not in to and not (ROOT / to).exists()]
    assert missing == []


MIGRATIONS_AND_DATA = {"migrations", "catalogue.py"}


def lines_of(service: str) -> dict[str, int]:
    """How many lines each module of a service has, without migrations and its list of books."""
    return {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for path in (ROOT / "services" / service).rglob("*.py")
        if not MIGRATIONS_AND_DATA & {path.name, path.parent.name}
    }


def test_bookapp_can_be_read_in_an_hour() -> None:
    """What is long in it is general, and belongs to libs/."""
    lines = lines_of("bookapp")
    assert sum(lines.values()) <= 1_200
    assert {path: count for path, count in lines.items() if count > 150} == {}


def test_services_have_no_sql_text_outside_of_migrations() -> None:
    """What Piccolo cannot say, or says too slowly, is a tool of delivery.postgres for all."""
    sql = re.compile(r"\b(SELECT|INSERT INTO|UPDATE \S+ SET|DELETE FROM)\b|\.raw\(|QueryString")
    found = {
        str(path.relative_to(ROOT)): sql.findall(path.read_text())
        for path in (ROOT / "services").rglob("*.py")
        if path.parent.name != "migrations"
    }
    assert {path: words for path, words in found.items() if words} == {}
