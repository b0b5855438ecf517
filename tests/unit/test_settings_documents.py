"""What is written about the settings is what the services read."""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from backend.settings import Settings as BackendSettings
from bookapp.settings import Settings as BookappSettings
from delivery.kafka.settings import KafkaSettings
from telemetry import TelemetrySettings, read_settings

ROOT = Path(__file__).parents[2]
KINDS: tuple[type[msgspec.Struct], ...] = (
    BookappSettings,
    BackendSettings,
    KafkaSettings,
    TelemetrySettings,
)
OF_THE_SERVICE = "OTEL_SERVICE_NAME"  # each composition root has its own default
ROW = re.compile(r"^\| `(\w+)` \| (?:`([^`]*)`|\(needed\)|) *\|", re.MULTILINE)


def defaults() -> dict[str, str]:
    """Every variable of every service with its default as one would write it; "" for none."""
    found: dict[str, str] = {}
    for kind in KINDS:
        for field in msgspec.structs.fields(kind):
            unset = field.default is msgspec.NODEFAULT or field.default is None
            text = "" if unset else str(field.default)
            text = text.lower() if isinstance(field.default, bool) else text
            assert found.setdefault(field.encode_name, text) == text, "the services disagree"
    return found | {OF_THE_SERVICE: ""}


def example() -> Mapping[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    assert len(dict(pairs)) == len(pairs), "a variable stands there twice"
    return dict(pairs)


def test_the_example_has_every_variable_with_its_default() -> None:
    assert {**example(), "DATABASE_URL": ""} == defaults()


@pytest.mark.parametrize("kind", KINDS)
def test_the_example_is_accepted_as_it_is(kind: type[msgspec.Struct]) -> None:
    read_settings(kind, example())


def test_the_page_on_settings_has_every_variable_with_its_default() -> None:
    rows = dict(ROW.findall((ROOT / "docs/settings.md").read_text()))
    assert {name: value for name, value in rows.items() if not name.startswith("DEMO_")} == (
        defaults()
    )
