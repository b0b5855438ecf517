"""Command-line arguments that are read by a function."""

from collections.abc import Callable
from typing import Any

import click


class Parsed(click.ParamType):
    """An argument read by a function that raises ValueError with a sentence for the operator."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value; click prints what is wrong with it and exits with 2."""
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
