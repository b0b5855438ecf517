"""`python -m embedded.trace ID`: a trace in the terminal, with both sides of its links.

It asks a running receiver: that of `make demo`, of `make parts`, or any other.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

import httpx

from embedded.demo.terminal import Terminal
from embedded.ports import LOOPBACK
from embedded.receiver.client import ReceiverClient
from embedded.trace.printed import Printed


def options_from(arguments: Sequence[str] | None, environ: Mapping[str, str]) -> argparse.Namespace:
    default = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or f"http://{LOOPBACK}:4318"
    parser = argparse.ArgumentParser(
        prog="python -m embedded.trace",
        description="Prints a trace with what caused it and what it led to: the request, its SQL,"
        " the waits in topics, what was done in the other service, log lines and Sentry events.",
    )
    parser.add_argument(
        "id", metavar="ID", help="a trace id, or a whole traceparent as a response carries it"
    )
    parser.add_argument(
        "--receiver",
        metavar="URL",
        default=default,
        help=f"address of the receiver (OTEL_EXPORTER_OTLP_ENDPOINT, or else {default})",
    )
    parser.add_argument("--no-color", action="store_true", help="plain text, also on a terminal")
    return parser.parse_args(arguments)


def show(options: argparse.Namespace) -> int:
    """1, and one line on standard error, when there is nothing to show."""
    terminal = Terminal(False if options.no_color else None)
    try:
        with ReceiverClient(options.receiver) as receiver:
            linked = receiver.linked(options.id)
    except httpx.HTTPStatusError as error:
        return _fail(f"the receiver at {options.receiver} answers {error.response.status_code}")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _fail(f"no receiver answers at {options.receiver}: {error}")
    if linked is None:
        return _fail(f"of trace {options.id!r} no span is kept at {options.receiver}")
    for line in Printed(linked, terminal).lines():
        terminal.say(line)
    return 0


def _fail(reason: str) -> int:
    print(f"trace: {reason}", file=sys.stderr)
    return 1


def main() -> int:
    try:
        return show(options_from(None, os.environ))
    except BrokenPipeError:  # into `head`
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
