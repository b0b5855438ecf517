"""`make bench`: start what it needs, run the variants in turn, print and write the results."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from loadtest.bench import (
    consumer_cases,
    growth_cases,
    http_cases,
    life_cases,
    relay_cases,
    report,
    where_cases,
)
from loadtest.bench.parts import Parts
from loadtest.bench.results import Fact, Finding, Measurement, Share, Spans
from loadtest.bench.variants import VARIANTS

from embedded.processes import StartError

KINDS = ("http", "where", "life", "streams", "growth")
BEGIN, END = "<!-- what the benchmark printed -->\n", "<!-- end of it -->\n"


def main() -> int:
    """Run the kinds that were asked for; 0 when every case ran without an error."""
    options = _options()
    began = time.monotonic()
    findings: list[Finding] = []
    try:
        parts = Parts(embedded_kafka=options.embedded_kafka)
    except StartError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    try:
        for finding in _findings(parts, options):
            findings.append(finding)
            if not isinstance(finding, (Spans, Share)):
                print(f"{time.monotonic() - began:6.0f} s  {_line(finding)}", flush=True)
    finally:
        parts.close()
    table = report.markdown(findings, parts.names)
    print(f"\n{table}")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "results.md").write_text(table)
    (options.out / "results.json").write_bytes(_json(findings, parts.names))
    if options.docs:
        before, _, rest = options.docs.read_text().partition(BEGIN)
        options.docs.write_text(f"{before}{BEGIN}\n{table}\n{END}{rest.partition(END)[2]}")
    return 1 if any(f.errors for f in findings if isinstance(f, Measurement)) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default=",".join(KINDS), help="of " + ", ".join(KINDS))
    parser.add_argument("--variants", help="some of them: ours; FastAPI; …, with ; between")
    parser.add_argument("--seconds", type=float, help="of each load (3, quick: 2)")
    parser.add_argument("--rounds", type=int, help="how often variants take turns (2, quick: 1)")
    parser.add_argument("--quick", action="store_true", help="one shape a case: four minutes")
    parser.add_argument("--embedded-kafka", action="store_true", help="not Apache Kafka")
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="for the results")
    parser.add_argument("--docs", type=Path, help="a page whose marked part the table replaces")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := set(options.only) - set(KINDS):
        parser.error(f"--only takes {', '.join(KINDS)}; not {', '.join(sorted(unknown))}")
    options.seconds = options.seconds or (2.0 if options.quick else 3.0)
    options.rounds = options.rounds or (1 if options.quick else 2)
    return options


def _findings(parts: Parts, options: argparse.Namespace) -> Iterator[Finding]:
    seconds, rounds, quick = options.seconds, options.rounds, options.quick
    names = options.variants.split(";") if options.variants else None
    if not {"http", "where"}.isdisjoint(options.only):
        http_cases.fill(parts)
    if "http" in options.only:
        variants = [v for v in VARIANTS if names is None or v.name in names]
        yield from http_cases.run(parts, variants, seconds=seconds, rounds=rounds, quick=quick)
    if "where" in options.only:
        yield from where_cases.run(parts, seconds=seconds)
    if "life" in options.only:
        yield from life_cases.run(parts, seconds=seconds, rounds=rounds, quick=quick)
    if "streams" in options.only:
        records = relay_cases.Records()
        consumers = [c for c in consumer_cases.CONSUMERS if names is None or c.name in names]
        yield from relay_cases.run(parts, records, rounds=rounds, quick=quick)
        yield from consumer_cases.run(parts, consumers, rounds=rounds, quick=quick)
        yield from consumer_cases.rebuild(parts)
        if parts.apache and not quick:
            yield from growth_cases.partitions(parts, records, 100_000)
    if "growth" in options.only:
        yield from growth_cases.run(parts, seconds=seconds, rounds=rounds, quick=quick)


def _line(finding: Measurement | Fact) -> str:
    if isinstance(finding, Fact):
        return f"{finding.name:75s} {finding.value:12,.2f} {finding.unit}"
    speed = f"{finding.per_second:9,.0f} {finding.unit}/s"
    return f"{finding.case:55s} {finding.variant:32s} {speed}"


def _json(findings: list[Finding], servers: str) -> bytes:
    kinds = {"measurements": Measurement, "facts": Fact, "spans": Spans, "parts": Share}
    found = {name: [f for f in findings if isinstance(f, kind)] for name, kind in kinds.items()}
    goals = [
        {**msgspec.structs.asdict(goal), "reached": goal.reached} for goal in report.goals(findings)
    ]
    whole = {"servers": servers, "goals": goals, **found}
    return msgspec.json.format(msgspec.json.encode(whole))


if __name__ == "__main__":
    sys.exit(main())
