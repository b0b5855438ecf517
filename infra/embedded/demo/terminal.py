"""What the demo prints: colours on a terminal only, and nothing that depends on the colours."""

import sys
from typing import Final

_CODES: Final = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


class Terminal:
    """Prints to standard output; `colour` None looks whether that is a terminal."""

    def __init__(self, colour: bool | None = None) -> None:
        self._colour = sys.stdout.isatty() if colour is None else colour

    def paint(self, text: str, style: str) -> str:
        """The text in one of the styles bold, dim, red, green, yellow and cyan."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self._colour else text

    def say(self, text: str = "") -> None:
        print(text, flush=True)

    def heading(self, text: str) -> None:
        self.say("\n" + self.paint(text, "bold"))

    def good(self, text: str) -> None:
        self.say(f"  {self.paint('ok', 'green')}  {text}")

    def bad(self, text: str) -> None:
        self.say(f"  {self.paint('no', 'red')}  {text}")


def clean(text: str) -> str:
    """Text of somebody else's on one line, without control characters (which could be commands)."""
    return "".join(char if char.isprintable() else " " for char in text)
