"""What services need around them, when they are started by hand: `python -m embedded.parts`.

Starts an empty PostgreSQL, a Kafka-protocol broker and the receiver with its page, prints their
addresses as lines for a shell, opens the page on a desktop, and stays until Ctrl-C; then all of it
is gone, data included.
"""

import argparse
import contextlib
import os
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

from embedded.broker import Broker
from embedded.desktop import show_page
from embedded.postgres import Postgres
from embedded.processes import Process, StartError
from embedded.receiver import Receiver


def run(trace_port: int, browser: bool = True) -> None:
    """Start, print, and stay. Raises StartError when a part does not start, or ends."""
    with Postgres() as postgres, Broker() as broker, Receiver(trace_port or None) as receiver:
        print(f"export DATABASE_URL={postgres.create_database('books')}")
        print(f"export KAFKA_BROKER_URL={broker.url}")
        print(f"export OTEL_EXPORTER_OTLP_ENDPOINT={receiver.endpoint}")
        print(f"export SENTRY_DSN={receiver.sentry_dsn}")
        print(f"# The page is {receiver.url}/ . All of it stays until Ctrl-C.", flush=True)
        if browser:
            show_page(f"{receiver.url}/", os.environ)
        _stay(postgres.process, broker.process, receiver.process)


def _stay(*processes: Process) -> None:
    while True:
        for process in processes:
            if not process.running:
                raise StartError(f"{process.name} has ended: {process.last_words()}")
        time.sleep(0.5)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m embedded.parts",
        description="PostgreSQL, a Kafka-protocol broker and a trace page, for services started"
        " by hand. Paste what it prints into their shells.",
    )
    parser.add_argument(
        "--trace-port",
        type=int,
        default=os.environ.get("DEMO_TRACE_PORT") or 4318,
        metavar="PORT",
        help="(default 4318, or DEMO_TRACE_PORT; 0 takes a free one)",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    with contextlib.suppress(KeyboardInterrupt):
        try:
            run(options.trace_port, not options.no_browser)
        except (StartError, OSError) as error:
            print(f"parts: {' '.join(str(error).split())}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
