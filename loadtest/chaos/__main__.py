"""`make chaos`: break the system on purpose, under load, and see whether it keeps its promises.

Exit status 0 when nothing was lost, wrong or out of order; 1 when something was; 2 when it could
not be tried; 130 after Ctrl-C. Everything that it starts ends with it.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec
from loadtest.chaos import report, schedule
from loadtest.chaos.campaign import Campaign, Result
from loadtest.chaos.parts import System
from loadtest.chaos.planted import BUGS
from loadtest.chaos.schedule import Step

from embedded.native.cache import MissingTool
from embedded.processes import StartError


def main() -> int:
    """Run one campaign; the exit status."""
    options = _options()
    try:
        steps = _steps(options)
    except schedule.UnknownFault as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    print(f"chaos: seed {options.seed}", flush=True)
    try:
        system = System(options.plant, lambda part: _tell(f"starting {part}"))
        try:
            result = asyncio.run(_run(system, steps, options))
        finally:
            if options.logs:
                system.write_logs(options.logs)
            system.close()
    except (StartError, MissingTool) as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nchaos: interrupted; everything was ended", file=sys.stderr)
        return 130
    print(f"\n{report.text(result)}")
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report.numbers(result))))
    return 1 if result.verdict.violations else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=5.0, help="of load (5)")
    length.add_argument("--short", action="store_true", help="about half a minute that hits all")
    parser.add_argument("--seed", type=int, default=1, help="of the schedule and the load (1)")
    parser.add_argument(
        "--faults",
        default="",
        help="draw from these alone, as in kafka.kill,bookapp.stop+postgres.kill; there are: "
        + ", ".join(schedule.KINDS),
    )
    parser.add_argument(
        "--plant", choices=sorted(BUGS), help="run the services with this bug: must be found"
    )
    parser.add_argument("--json", type=Path, help="write the numbers and every violation here")
    parser.add_argument("--logs", type=Path, help="write what each process said here")
    return parser.parse_args()


def _steps(options: argparse.Namespace) -> Iterable[Step]:
    if options.plant:
        return [schedule.PLANTED[options.plant]]
    if options.short:
        return schedule.draw_short(options.seed)
    return schedule.draw(options.seed, schedule.parse(options.faults) if options.faults else ())


async def _run(system: System, steps: Iterable[Step], options: argparse.Namespace) -> Result:
    endless = not (options.plant or options.short)
    campaign = Campaign(
        system,
        steps,
        seed=options.seed,
        seconds=60 * options.minutes if endless else float("inf"),
        tell=_tell,
    )
    progress = asyncio.create_task(_show(campaign))
    try:
        return await campaign.run()
    finally:
        progress.cancel()


def _tell(what: str) -> None:
    clear = "\r\033[K" if sys.stdout.isatty() else ""
    print(f"{clear}  {what}", flush=True)


async def _show(campaign: Campaign) -> None:
    """A line that is written over on a terminal; elsewhere one now and then."""
    terminal = sys.stdout.isatty()
    while True:
        await asyncio.sleep(0.5 if terminal else 10.0)
        end = "" if terminal else "\n"
        print(
            f"\r\033[K  {campaign.status}" if terminal else f"  {campaign.status}",
            end=end,
            flush=True,
        )


if __name__ == "__main__":
    started = time.monotonic()
    code = main()
    print(f"chaos: {time.monotonic() - started:.0f} s in all", flush=True)
    sys.exit(code)
