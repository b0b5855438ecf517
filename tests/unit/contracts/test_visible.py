"""A title or an author can be seen; the rule and the pattern of the documents are the same."""

import re
import sys
import unicodedata

import pytest

from bookapp.books.schemas import _USABLE
from contracts.visible import _UNSEEN, VISIBLE, is_visible, why_unusable_as_new

# Without a glyph: Unicode's Default_Ignorable_Code_Point beyond its categories, the empty Braille
# pattern, blank hieroglyphs, the null notehead.
NO_GLYPH = {0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800, 0x2065, 0x1D159, 0x13441, 0x13442}
NO_GLYPH |= {*range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)}
UNSEEN_CATEGORIES = {"Zs", "Zl", "Zp", "Cc", "Cf", "Mn", "Mc", "Me"}
CHARACTERS = [c for c in range(sys.maxunicode + 1) if not 0xD800 <= c <= 0xDFFF]


def category(code: int) -> str:
    return unicodedata.category(chr(code))


def test_the_rule_is_that_of_the_categories() -> None:
    """Of all characters that Unicode 14 has. A newer Python knows marks that came later, which
    count as seen; nothing that it knows as a letter is taken for unseen."""
    later = not unicodedata.unidata_version.startswith("14.")
    wrong = []
    for code in CHARACTERS:
        unseen = category(code) in UNSEEN_CATEGORIES or code in NO_GLYPH
        if is_visible(chr(code)) == unseen and not (later and unseen):
            wrong.append(f"{code:x} {category(code)}")
    assert wrong == []


def test_the_table_has_no_surrogate_and_is_in_order() -> None:
    ends = [int(end, 16) for entry in _UNSEEN.split() for end in entry.split("-")]
    assert ends == sorted(ends)
    assert not any(0xD800 <= end <= 0xDFFF for end in ends)


@pytest.mark.parametrize(
    "text",
    [
        "\u200b",
        "\u200b\u200c\u200d\u2060\ufeff",
        "\u00ad",
        "\u3164",
        "\u2800\u2800",
        "\u115f\u1160\uffa0",
        "\U000e0001\U000e0041\U000e007f",
        "\ufe0f",
        "\U000e0100",
        "\u0301\u20dd",
        "\u093e",
        "\u202e\u202c",
        "\u180e\u061c\u034f",
        " \u200b\n",
        "\U0001d173\U0001d159",
        "\x01\x7f\x85",
    ],
)
def test_a_name_of_which_nothing_is_seen_is_refused_with_the_reason(text: str) -> None:
    assert why_unusable_as_new(text) == "has no visible character"
    assert re.search(_USABLE, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "e\u0301",
        "\u200bDune",
        "\U0001f468\u200d\U0001f469",
        "\u0915\u093e",
        "\U00013000",
        "-",
        "1984",
        "\ue000",
        "\U0003fffd",
        "\u2603\ufe0f",
        "\ufffd",
    ],
)
def test_one_visible_character_is_enough(text: str) -> None:
    assert why_unusable_as_new(text) is None
    assert re.search(_USABLE, text) is not None


def test_the_pattern_says_of_each_character_what_the_rule_says() -> None:
    usable = re.compile(_USABLE)
    differing = [
        code
        for code in CHARACTERS
        if (usable.search(chr(code)) is None) != (why_unusable_as_new(chr(code)) is not None)
    ]
    assert differing == []
    assert "\\U" not in VISIBLE
