"""Cutter numbers by the Library of Congress Cutter table.

Source: Library of Congress, Classification and Shelflisting Manual, instruction sheet G 63, "Cutter
Numbers". A number is the word's first letter and decimals for the letters after it, so that shelves
file nearly alphabetically, and room is left between any two.

A cataloguer adjusts a number against the neighbours on the shelf. There are none here: the same
text always has the number that the table gives, and two texts may share one.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final

NUMERAL: Final = "A12"
"""A heading that begins with a numeral files before the letter A (G 63: .A12 to .A19)."""

UNROMANIZED: Final = "Z99"
"""A heading without a Latin letter: the manual romanizes it first, which needs its language. Here
it files last."""


class _Row:
    """A row of the table: the letters it lists, in order, each with its digit.

    A letter that is not listed takes the digit of the nearest one listed before it, and one before
    them all the first digit: the manual leaves the choice open.
    """

    def __init__(self, digits: Mapping[str, int]) -> None:
        self._starts = list(digits)
        self._digits = list(digits.values())

    def digit(self, letters: str) -> int:
        return self._digits[max(0, bisect_right(self._starts, letters) - 1)]


_VOWELS: Final = frozenset("aeiou")
_AFTER_VOWEL: Final = _Row({"b": 2, "d": 3, "l": 4, "n": 5, "p": 6, "r": 7, "s": 8, "u": 9})
# "ch" is listed as a pair: "sca" files before it, "sci" after.
_AFTER_S: Final = _Row({"a": 2, "ch": 3, "e": 4, "h": 5, "m": 6, "t": 7, "u": 8, "w": 9})
# "Qa-Qt use 2-29": what cannot be Qu- files before it.
_AFTER_Q: Final = _Row({"a": 2, "ua": 3, "ue": 4, "ui": 5, "uo": 6, "ur": 7, "ut": 8, "uy": 9})
_AFTER_CONSONANT: Final = _Row({"a": 3, "e": 4, "i": 5, "o": 6, "r": 7, "u": 8, "y": 9})
_EXPANSION: Final = _Row({"a": 3, "e": 4, "i": 5, "m": 6, "p": 7, "t": 8, "w": 9})


def cutter_number(sort_key: str) -> str:
    """The Cutter number of a folded heading (``folding.fold``): a letter and up to two digits.

    >>> cutter_number("campbell"), cutter_number("quinn"), cutter_number("schreiber")
    ('C36', 'Q56', 'S37')
    """
    word = "".join(char for char in sort_key if "a" <= char <= "z" or "0" <= char <= "9")
    if not word:
        return UNROMANIZED
    if word[0].isdigit():
        return NUMERAL
    letters = "".join(char for char in word if char.isalpha())
    initial, rest = letters[0], letters[1:]
    if not rest:
        # Nothing to take a number from; no Cutter number stands without one.
        return initial.upper() + "2"
    row, taken = _row_for(initial, rest)
    number = initial.upper() + str(row.digit(rest))
    expansion = rest[taken : taken + 1]
    return number + str(_EXPANSION.digit(expansion)) if expansion else number


def _row_for(initial: str, rest: str) -> tuple[_Row, int]:
    """The row for the letters after the initial, and how many of them its digit stands for."""
    if initial in _VOWELS:
        return _AFTER_VOWEL, 1
    if initial == "s":
        return _AFTER_S, 2 if rest.startswith("ch") else 1
    if initial == "q":
        return _AFTER_Q, 2 if rest.startswith("u") else 1
    return _AFTER_CONSONANT, 1
