"""The keys under which authors and titles file.

What language a title or a name is in, nobody tells us; the rules are those that need no language,
and their limits are stated with them. Keys compare character by character (``COLLATE "C"``).
"""

import re
from typing import Final

from backend.catalogue.folding import fold

# Initial articles do not file (ALA Filing Rules, 1980, rule 4; MARC 21 "nonfiling characters").
# Of the list, only those that rarely begin an English title as another word: not "die" or "los".
_ARTICLES: Final = re.compile(
    r"^(?:(?:a|an|the|der|das|el|il|gli|le|la|les|het)\s+|l['\u2019]\s*)(?=\S)", re.IGNORECASE
)

# Prefixes of surnames (AACR2 22.5D). Written with a capital, the bearer's language makes it a part
# of the surname: Le Guin, Van Buren, Du Maurier. In lower case it is a preposition that files
# behind the forename: Beethoven, Ludwig van.
_PREFIX: Final = re.compile(
    r"af|am|av|da|das|de|degli|dei|del|della|den|der|des|di|do|dos|du|el|la|las|le|les|lo|los"
    r"|ten|ter|van|vom|von|zu|zum|zur",
    re.IGNORECASE,
)
_SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv"})
_NEXT_AUTHOR: Final = re.compile(r" ?[;&] ?| (?:and|und|et|y|with) ")


def title_sort(title: str) -> str:
    """The title's key: without its initial article. Empty only for a title without a letter.

    >>> title_sort("The Left Hand of Darkness"), title_sort("A"), title_sort("L'Étranger")
    ('left hand of darkness', 'a', 'etranger')
    """
    stripped = title.strip().lstrip("\"'\u201c\u2018\u00ab([ ")
    return fold(
        _ARTICLES.sub("", stripped, count=1) if _ARTICLES.match(stripped) else stripped
    ) or (fold(title))


def author_sort(author: str) -> str:
    """The first author's key, surname first: ``le guin, ursula k``.

    A name that is inverted already stays so. A surname of two words without a prefix cannot be told
    from a middle name, and files under its last word.

    >>> author_sort("Ludwig van Beethoven"), author_sort("Martin Luther King Jr.")
    ('beethoven, ludwig van', 'king, martin luther jr')
    """
    first = _NEXT_AUTHOR.split(" ".join(author.split()), maxsplit=1)[0]
    if "," in first:
        surname, forenames = first.split(",", 1)
        if fold(forenames) not in _SUFFIXES:
            return _joined(surname, forenames) or fold(author)
        first = f"{surname} {forenames}"
    words = first.split()
    suffix = words.pop() if len(words) > 1 and fold(words[-1]) in _SUFFIXES else ""
    start = _surname_start(words)
    return _joined(" ".join(words[start:]), " ".join([*words[:start], suffix])) or fold(author)


def _surname_start(words: list[str]) -> int:
    """The index of the surname's first word: the last word, and the capitalised prefixes before."""
    start = max(0, len(words) - 1)
    while start > 1 and words[start - 1][0].isupper() and _PREFIX.fullmatch(words[start - 1]):
        start -= 1
    return start


def _joined(surname: str, forenames: str) -> str:
    return ", ".join(part for part in (fold(surname), fold(forenames)) if part)
