r"""Text of strangers, made fit for a terminal and for one line.

An escape sequence moves the cursor, sets the window's title or types into the shell; a line feed
begins a line that looks like one of ours; a change of direction shows text in another order than it
has. Each such character is written as Python would in a string: ``\x1b``, ``\n``, ``\u202e``.
"""

import re
from typing import Final

# C0 and C1 with DEL, separators of lines and paragraphs, marks and changes of direction (Trojan
# Source), the byte order mark, surrogates.
_SPECIAL: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_NAMED: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    """The text on one line, with nothing in it that a terminal would obey."""
    return text if text.isascii() and text.isprintable() else _SPECIAL.sub(_python, text)


def printable_lines(text: str, indent: str = "    ") -> str:
    """Each line of the text made printable and set in, so that none looks like the log's own."""
    return "\n".join(indent + printable(line) for line in text.rstrip().split("\n"))


def escaped_json(document: str) -> str:
    """The same JSON, with what a terminal would obey escaped: an encoder escapes only C0."""
    plain = document.isascii() and "\x7f" not in document
    return document if plain else _SPECIAL.sub(_json, document)


def _python(found: re.Match[str]) -> str:
    char = found[0]
    code = ord(char)
    return _NAMED.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _json(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
