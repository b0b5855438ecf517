"""A book's catalogue entry: where it stands on the shelf, and where it files in lists."""

import msgspec

from backend.catalogue.cutter import cutter_number
from backend.catalogue.sorting import author_sort, title_sort


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """``shelf_mark``: two Cutter numbers, the author's and the title's (``.L44 L44``).

    ``author_sort``, ``title_sort``: keys that file in order when compared as they are.
    """

    shelf_mark: str
    author_sort: str
    title_sort: str


def catalogue(author: str, title: str) -> Entry:
    """The entry for a book. Never raises.

    A work is shelved by its author and, within the author, by its title: a decimal point stands
    before the first Cutter number of a call number and not before the second (Library of Congress,
    Classification and Shelflisting Manual, G 60 and G 63).
    """
    by_author, by_title = author_sort(author), title_sort(title)
    return Entry(
        shelf_mark=f".{cutter_number(by_author)} {cutter_number(by_title)}",
        author_sort=by_author,
        title_sort=by_title,
    )
