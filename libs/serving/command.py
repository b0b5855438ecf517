"""The command line of a service: where it listens and how many processes it is."""

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import NoReturn

_WORKERS = "WEB_CONCURRENCY"


class Arguments(argparse.Namespace):
    """What was chosen."""

    host: str
    port: int
    workers: int
    root_path: str


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def read_arguments(
    prog: str, description: str, argv: Sequence[str], environ: Mapping[str, str] = os.environ
) -> Arguments:
    """Read them; uvicorn's names and defaults, WEB_CONCURRENCY for the workers included.

    Raises:
        SystemExit: after the help, or with one line that says what is wrong.
    """
    parser = _Parser(prog, description=description, allow_abbrev=False)
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (%(default)s)"
    )
    parser.add_argument(
        "--port", type=_port, default=8000, help="the port, 0 for a free one (%(default)s)"
    )
    parser.add_argument(
        "--workers",
        type=_workers,
        default=environ.get(_WORKERS) or "1",
        help=f"how many processes answer requests ({_WORKERS}, or 1)",
    )
    parser.add_argument(
        "--root-path", default="", help="the path below which a proxy serves it (none)"
    )
    return parser.parse_args(argv, namespace=Arguments())


def _port(text: str) -> int:
    return _whole(text, 0, 65_535)


def _workers(text: str) -> int:
    return _whole(text, 1, 1_000)


def _whole(text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"takes a whole number from {least} to {most}")
    return int(text)
