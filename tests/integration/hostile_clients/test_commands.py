"""What is attacked here is what people start: each way that we show is the one in the table of
doors, but for the address and the log's level."""

import re
import shlex
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import yaml
from tests.integration.hostile_clients.conftest import DOORS
from tests.making import ROOT

INFRA = ROOT / "infra"
ELSEWHERE = {"--host", "--port", "-l"}
"""Options that say where it listens and how much it says."""


def essence(command: list[str]) -> tuple[str, ...]:
    """A command without its interpreter's path and what differs from place to place."""
    words = iter(command)
    kept = [word for word in words if word not in ELSEWHERE or next(words) is None]
    program = kept[0].rpartition("/")[2]
    return ("python" if program.startswith("python") else program, *kept[1:])


def in_manifests(service: str) -> Iterator[list[str]]:
    for path in [*INFRA.glob("compose*.yaml"), *INFRA.glob("kubernetes/**/*.yaml")]:
        for document in yaml.safe_load_all(path.read_text()):
            yield from _of(service, document)


def _of(service: str, found: Any) -> Iterator[list[str]]:
    """The commands of all that bears the service's name, a key of Compose's or a container, and
    serves: migrations do not."""
    if isinstance(found, dict):
        named = found.get(service)
        for each in (named, found if found.get("name") == service else None):
            command = each.get("command") if isinstance(each, dict) else None
            if command and not command[-1].endswith(".migrate"):
                yield command
        for value in found.values():
            yield from _of(service, value)
    elif isinstance(found, list):
        for value in found:
            yield from _of(service, value)


def in_pages(pattern: str) -> Iterator[list[str]]:
    """The lines of shell that begin with this program."""
    for path in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]:
        for line in re.findall(rf"^ {{4}}(\S*{pattern}\b.*)$", path.read_text(), re.M):
            yield shlex.split(line, comments=True)


STARTS = {"bookapp": r"python -m bookapp(?!\.)", "backend": r"faust -A backend\.app worker"}


@pytest.mark.parametrize("service", STARTS)
def test_every_way_to_start_a_service_that_we_show_is_attacked(service: str) -> None:
    attacked = essence(list(DOORS[service].command))
    manifests, pages = list(in_manifests(service)), list(in_pages(STARTS[service]))
    assert len(manifests) >= 2  # Compose's and Kubernetes'
    assert pages
    for command in manifests + pages:
        assert essence(command) == attacked, command


def test_what_the_image_runs_by_itself_is_attacked() -> None:
    text = (INFRA / "Dockerfile").read_text()
    assert "ENTRYPOINT" not in text
    *_, last = re.findall(r"^CMD (\[.*\])$", text, re.M)
    attacked = essence(list(DOORS["bookapp"].command))
    assert essence(msgspec.json.decode(last, type=list[str])) == attacked
