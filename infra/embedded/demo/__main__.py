"""`python -m embedded.demo`: its options, its exit status, and its end.

Exit status 0: the tour was taken and everything that it promises was seen (with --once), or it was
ended by Ctrl-C after the tour. 1: a part did not start, or a promise was not kept; what is the
matter is said in one line. 130: interrupted before the end of the tour. No process stays behind.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

import httpx

from embedded.demo import promises, report
from embedded.demo.story import Library
from embedded.demo.terminal import Terminal
from embedded.demo.tour import Step, Tour
from embedded.desktop import show_page
from embedded.ports import in_use
from embedded.processes import StartError
from embedded.receiver.client import ReceiverClient
from embedded.services import bare_environment
from embedded.stack import Stack, StackSettings
from embedded.trace.printed import Printed

TELEMETRY_PATIENCE = 12.0
"""Seconds after the tour until what it promises must have been seen."""


def options_from(arguments: Sequence[str] | None, environ: dict[str, str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m embedded.demo",
        description="Starts PostgreSQL, a Kafka-protocol broker, backend, bookapp and a trace page "
        "on this machine, takes a tour through them, prints the traces, and stays up until Ctrl-C.",
        epilog="An address that is taken? Choose other ports: --bookapp-port 0 takes any free one.",
    )
    parser.add_argument("--once", action="store_true", help="end after the tour")
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was seen to FILE")
    for name, variable, default in (
        ("--bookapp-port", "DEMO_BOOKAPP_PORT", 8000),
        ("--backend-port", "DEMO_BACKEND_PORT", 8001),
        ("--trace-port", "DEMO_TRACE_PORT", 4318),
    ):
        parser.add_argument(
            name,
            type=_port,
            default=environ.get(variable) or default,
            metavar="PORT",
            help=f"(default {default}, or {variable}; 0 takes a free one)",
        )
    parser.add_argument(
        "--kafka",
        metavar="HOST:PORT",
        default=environ.get("DEMO_KAFKA_BROKER_URL") or None,
        help="a Kafka that runs already, instead of the embedded one",
    )
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def run(options: argparse.Namespace, environ: dict[str, str]) -> int:
    """Start, tour, show, stay. Raises StartError."""
    terminal = Terminal()
    _check(options)
    settings = StackSettings(
        environment=bare_environment(environ),
        bookapp_port=options.bookapp_port or None,
        backend_port=options.backend_port or None,
        receiver_port=options.trace_port or None,
        kafka_broker_url=options.kafka,
    )
    terminal.heading("Starting (all of it on this machine, none of it stays)")
    with Stack(settings, lambda part, took: terminal.good(f"{part} ({took:.1f} s)")) as stack:
        assert stack.receiver is not None
        terminal.heading("The tour")
        with _client(stack.bookapp_url) as bookapp, _client(stack.backend_url) as backend:
            steps = Tour(bookapp, backend, terminal.good).take()
        kept = _wait_for_promises(stack, steps)
        _show_traces(terminal, steps, stack.receiver)
        terminal.heading("What this has shown")
        for promise, seen in kept:
            (terminal.good if seen else terminal.bad)(promise.text)
        if options.json is not None:
            seen_spans, seen_logs = stack.receiver.spans(), stack.receiver.logs()
            report.write(options.json, report.report(steps, seen_spans, seen_logs))
        missing = [promise.text for promise, seen in kept if not seen]
        if options.once:
            if missing:
                raise StartError(f"Not seen within {TELEMETRY_PATIENCE:.0f} s: {missing[0]}.")
            return 0
        _show_addresses(terminal, stack)
        if not options.no_browser:
            show_page(f"{stack.receiver.url}/", environ)
        try:
            _stay(stack)
        except KeyboardInterrupt:
            terminal.say("\nStopping.")
    return 0


def _client(url: str) -> httpx.Client:
    return httpx.Client(base_url=url, timeout=10, trust_env=False)


def _check(options: argparse.Namespace) -> None:
    """Refuse before anything is started what could only fail later. Raises StartError."""
    for part, port, option in (
        ("bookapp", options.bookapp_port, "--bookapp-port"),
        ("backend", options.backend_port, "--backend-port"),
        ("the trace page", options.trace_port, "--trace-port"),
    ):
        if port and in_use(port):
            raise StartError(
                f"Port {port} for {part} is in use: end what listens there, "
                f"or choose another with {option} (0 takes a free one)."
            )
    if options.json is not None and not options.json.parent.is_dir():
        raise StartError(f"--json: there is no directory {options.json.parent}: make it first.")


def _wait_for_promises(stack: Stack, steps: list[Step]) -> list[tuple[promises.Promise, bool]]:
    assert stack.receiver is not None
    deadline = time.monotonic() + TELEMETRY_PATIENCE
    while True:
        library = Library(stack.receiver.trace)
        kept = promises.kept(steps, library)
        if all(seen for _, seen in kept) or time.monotonic() > deadline:
            return kept
        time.sleep(0.2)


def _show_traces(terminal: Terminal, steps: list[Step], receiver: ReceiverClient) -> None:
    terminal.heading("Its traces (⇢ follows a link, from the send to what processed the record)")
    for step in steps:
        linked = receiver.linked(step.trace_id) if step.trace_id else None
        if linked is not None:
            terminal.say(f"\n  {terminal.paint(step.name, 'bold')}")
            for line in Printed(linked, terminal).lines():
                terminal.say("  " + line)


def _show_addresses(terminal: Terminal, stack: Stack) -> None:
    assert stack.receiver is not None
    terminal.heading("It stays up until Ctrl-C")
    terminal.say(f"  the page       {stack.receiver.url}/")
    terminal.say(f"  bookapp, docs  {stack.bookapp_url}/schema")
    terminal.say(f"  backend, docs  {stack.backend_url}/schema")
    terminal.say(f"  PostgreSQL     {stack.database_url}")
    terminal.say(f"  Kafka          {stack.kafka_broker_url}")
    terminal.say(f"\n  Try: curl -i {stack.bookapp_url}/books/1")


def _stay(stack: Stack) -> None:
    """Until Ctrl-C. Raises StartError when a part ends before."""
    while True:
        for process in stack.processes():
            if not process.running:
                raise StartError(f"{process.name} has ended: {process.last_words()}")
        time.sleep(0.5)


class _Ended(BaseException):
    """SIGTERM or SIGHUP: everything is closed on its way out, as on Ctrl-C."""


def _end(number: int, frame: FrameType | None) -> NoReturn:
    raise _Ended


def main() -> int:
    environ = dict(os.environ)
    options = options_from(None, environ)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGHUP, _end)
    try:
        return run(options, environ)
    except (StartError, OSError) as error:
        print(f"demo: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: stopped", file=sys.stderr)
        return 130
    except _Ended:
        return 143


if __name__ == "__main__":
    sys.exit(main())
