"""Text as filing rules see it: no case, no diacritics, no punctuation."""

import unicodedata
from typing import Final

# Latin letters that Unicode does not decompose, as English-language catalogues file them
# (ALA Filing Rules, 1980, rule 1.1: modified letters like their plain equivalents).
_UNDECOMPOSED: Final = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "\u0131": "i",
        "ŋ": "n",
        "ŧ": "t",
    }
)

_BEHIND_LATIN: Final = "\u0250"

# Marks inside a word: they go without leaving a gap, so that "O'Brien" files as one word.
_INSIDE_A_WORD: Final = frozenset("'\u2018\u2019\u02bc\u02bb`\u00b4")


def fold(text: str) -> str:
    """Words of lower-case letters and digits, one space apart; empty when there are none.

    Letters of other scripts than Latin keep their marks.
    """
    if text.isascii():
        plain = text.lower()
    else:
        decomposed = unicodedata.normalize("NFKD", text.casefold()).casefold()
        plain = unicodedata.normalize("NFC", _unmarked(decomposed).translate(_UNDECOMPOSED))
    spaced = (
        char if char.isalnum() or _is_vowel_sign(char) else "" if char in _INSIDE_A_WORD else " "
        for char in plain
    )
    return " ".join("".join(spaced).split())


def _unmarked(decomposed: str) -> str:
    """Without the diacritics of Latin letters: elsewhere a mark makes another letter.

    A mark that stands on no letter at all (on punctuation, which goes) makes none either.
    """
    kept: list[str] = []
    marks_go = True
    for char in decomposed:
        if not unicodedata.combining(char):
            marks_go = char < _BEHIND_LATIN or not (char.isalnum() or _is_vowel_sign(char))
        elif marks_go:
            continue
        kept.append(char)
    return "".join(kept)


def _is_vowel_sign(char: str) -> bool:
    """Indic scripts write vowels as marks, which are no diacritics."""
    return not char.isascii() and unicodedata.category(char) in ("Mc", "Mn")
