"""The benchmark itself, at its smallest: it runs, counts every span, and says what it found."""

import re
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest
from loadtest.bench.report import goals, markdown, replicas
from loadtest.bench.results import Fact, Measurement, Spans
from tests.making import make


def bench(out: Path, *arguments: str) -> dict[str, Any]:
    """Run it on the embedded broker; what it wrote as JSON."""
    options = ["--quick", "--embedded-kafka", "--out", str(out), *arguments]
    done = make("bench", f"ARGS={shlex.join(options)}", timeout=280)
    assert done.returncode == 0, done.stdout
    return msgspec.json.decode((out / "results.json").read_bytes(), type=dict[str, Any])


@pytest.mark.timeout(300)
def test_every_request_and_record_is_answered_and_its_spans_are_received(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- what the benchmark printed -->\nold\n<!-- end of it -->\nbelow\n")
    found = bench(
        tmp_path, "--only", "http", "--variants", "ours", "--seconds", "0.3", "--docs", str(page)
    )
    cases = {row["case"].split(",")[0]: row for row in found["measurements"]}
    assert {"GET /books/{id}", "GET /books (100)", "POST /books/add"} < cases.keys()
    assert all(row["errors"] == 0 and row["per_second"] > 0 for row in cases.values())
    assert len(found["spans"]) == 6
    assert all(row["expected"] == row["received"] > 0 for row in found["spans"])
    written = page.read_text()
    assert re.match(r"above\n.*GET /books/\{id\}.*below\n$", written, re.DOTALL)
    assert "old" not in written


def measurement(variant: str, number: int, per_second: float, cpu: float) -> Measurement:
    return Measurement(
        case="GET /books/{id}, 1 worker(s), 8 connections",
        variant=variant,
        round=number,
        per_second=per_second,
        cpu_us={"bookapp": cpu, "generator": 999.0},
    )


def test_ratios_are_taken_within_a_round_and_their_median_is_told() -> None:
    """Rounds differ in speed by what else the machine does; pairs within one much less."""
    findings = [
        measurement(variant, number, speed * factor, 1 / speed / factor)
        for number, factor in enumerate((1.0, 10.0, 100.0))
        for variant, speed in (("ours", 40.0), ("FastAPI", 8.0), ("ours, untraced", 80.0))
    ]
    by_name = {goal.what.split(": ")[1]: goal for goal in goals(findings)}
    assert by_name["ours / FastAPI"].value == pytest.approx(5)
    assert by_name["ours / FastAPI"].by_cpu == pytest.approx(5)
    assert by_name["ours / FastAPI"].reached
    assert by_name["ours / ours, untraced"].value == pytest.approx(0.5)
    assert by_name["ours / ours, untraced"].reached is False
    assert "**no**" in markdown(findings, "some servers")


def test_a_fact_is_held_against_its_bound() -> None:
    facts = [Fact(name="start", value=1.0, unit="s", at_most=1.5)] * 2
    (goal,) = goals([*facts, Spans(variant="ours", span="x", expected=1, received=1)])
    assert goal.reached


def test_replicas_follow_from_the_cpu_time_of_a_unit() -> None:
    """At 0.6 of a core each: 1,000 requests a second of 1.3 ms take three pods."""
    row = measurement("ours", 0, 500.0, 1300.0)
    row = msgspec.structs.replace(row, cpu_us={**row.cpu_us, "backend": 90.0, "PostgreSQL": 250.0})
    found = replicas([row, measurement("ours, untraced", 0, 900.0, 700.0)])
    assert found == [
        "100 | GET /books/{id} | 1 | 1 | 0.0",
        "1,000 | GET /books/{id} | 3 | 1 | 0.2",
        "10,000 | GET /books/{id} | 22 | 2 | 2.5",
    ]
