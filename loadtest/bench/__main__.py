"""`make bench`: start what it needs, run the variants in turn, print and write the results."""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from loadtest.bench import http_cases, report, stream_cases
from loadtest.bench.measure import Measurement
from loadtest.bench.parts import Parts

from embedded.processes import StartError

KINDS = ("http", "streams")


def main() -> int:
    """Run the kinds that were asked for; 0 when every case ran without an error."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", default=",".join(KINDS), help="of " + ", ".join(KINDS))
    parser.add_argument("--seconds", type=float, default=5.0, help="of each HTTP run")
    parser.add_argument("--rounds", type=int, default=3, help="how often variants take turns")
    parser.add_argument("--quick", action="store_true", help="one shape a case, one round")
    parser.add_argument("--embedded-kafka", action="store_true", help="not Apache Kafka")
    parser.add_argument("--json", type=Path, help="write every measurement here")
    parser.add_argument("--markdown", type=Path, help="write the table of the docs here")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    measured: list[Measurement] = []
    began = time.monotonic()
    try:
        parts = Parts(embedded_kafka=options.embedded_kafka)
    except StartError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    try:
        for one in _cases(parts, options.only.split(","), options.seconds, rounds, options.quick):
            measured.append(one)
            print(
                f"{time.monotonic() - began:6.0f} s  {one.case:55s} {one.variant:20s}"
                f" {one.per_second:9,.0f} {one.unit}/s",
                flush=True,
            )
    finally:
        parts.close()
    table = report.markdown(measured, f"PostgreSQL 18 with fsync, {parts.kafka_name}")
    print(f"\n{table}")
    if options.markdown:
        options.markdown.write_text(table)
    if options.json:
        rows = {"measurements": measured, "ratios": report.ratios(report.medians(measured))}
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(rows)))
    return 1 if any(one.errors for one in measured) else 0


def _cases(
    parts: Parts, only: list[str], seconds: float, rounds: int, quick: bool
) -> Iterator[Measurement]:
    if "http" in only:
        yield from http_cases.run(parts, seconds=seconds, rounds=rounds, quick=quick)
    if "streams" in only:
        yield from stream_cases.run(parts, rounds=rounds, quick=quick)


if __name__ == "__main__":
    sys.exit(main())
