"""What a benchmark prints and writes: a table for people, JSON for programs, ratios for both.

A figure is the median of its rounds. Absolute figures are this machine's; the ratios are the point.
"""

import platform
import statistics
from collections.abc import Iterable, Sequence

import msgspec
from loadtest.bench.measure import Measurement

GOALS = (
    # case (its beginning), variant, compared with, at least
    ("GET /books/{id}", "ours", "FastAPI", 4.0),
    ("POST /books/add", "ours", "FastAPI", 2.0),
    ("GET /books (100)", "ours", "FastAPI", 1.5),
    ("consumer", "ours", "FastStream", 2.0),
    ("GET /books/{id}", "ours", "ours, untraced", 0.55),
    ("POST /books/add", "ours", "ours, untraced", 0.55),
    ("GET /books (100)", "ours", "ours, untraced", 0.55),
    ("POST /books/bulk_add", "ours", "ours, untraced", 0.55),
    ("consumer", "ours", "ours, untraced", 0.55),
)


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """How one variant's throughput relates to another's in the same case."""

    case: str
    variant: str
    to: str
    ratio: float
    goal: float

    @property
    def reached(self) -> bool:
        """Whether the goal was met."""
        return self.ratio >= self.goal


def medians(measurements: Iterable[Measurement]) -> list[Measurement]:
    """One measurement per case and variant: the round whose throughput is the median."""
    rounds: dict[tuple[str, str], list[Measurement]] = {}
    for measurement in measurements:
        rounds.setdefault((measurement.case, measurement.variant), []).append(measurement)
    return [
        sorted(several, key=lambda m: m.per_second)[len(several) // 2]
        for several in rounds.values()
    ]


def ratios(rows: Sequence[Measurement]) -> list[Ratio]:
    """Every goal that both of its variants were measured for."""
    by_name = {(row.case, row.variant): row for row in rows}
    found = []
    for beginning, variant, to, goal in GOALS:
        for row in rows:
            other = by_name.get((row.case, to))
            if row.variant == variant and other and row.case.startswith(beginning):
                ratio = row.per_second / other.per_second
                found.append(Ratio(case=row.case, variant=variant, to=to, ratio=ratio, goal=goal))
    return found


def markdown(measurements: Sequence[Measurement], servers: str) -> str:
    """The tables of the docs."""
    rows = medians(measurements)
    lines = [
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {servers};"
        f" medians of {_rounds(measurements)} round(s).",
        "",
        "| case | variant | per second | p50 ms | p99 ms | CPU µs each | spans received | errors |",
        "|---|---|---:|---:|---:|---|---:|---:|",
    ]
    for row in rows:
        cpu = ", ".join(f"{name} {value:.0f}" for name, value in row.cpu_us.items())
        lines.append(
            f"| {row.case} | {row.variant} | {row.per_second:,.0f} {row.unit} | {_ms(row.p50_ms)} |"
            f" {_ms(row.p99_ms)} | {cpu} | {_spans(row)} | {row.errors} |"
        )
    lines += ["", "| case | ratio | is | goal | reached |", "|---|---|---:|---:|---|"]
    for ratio in ratios(rows):
        lines.append(
            f"| {ratio.case} | {ratio.variant} / {ratio.to} | {ratio.ratio:.2f} | {ratio.goal:g} |"
            f" {'yes' if ratio.reached else 'no'} |"
        )
    return "\n".join(lines) + "\n"


def _rounds(measurements: Sequence[Measurement]) -> int:
    counts: dict[tuple[str, str], int] = {}
    for one in measurements:
        counts[one.case, one.variant] = counts.get((one.case, one.variant), 0) + 1
    return round(statistics.median(counts.values())) if counts else 0


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _spans(row: Measurement) -> str:
    if row.spans_expected is None:
        return ""
    return f"{row.spans_received:,} of {row.spans_expected:,}"
