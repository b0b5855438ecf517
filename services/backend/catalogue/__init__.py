"""The cataloguing rules: pure functions from a book to its entry, which never fail.

Whatever text a record may hold has an entry: a rule that raised would stop a partition for a book
with an odd title.
"""

from backend.catalogue.entry import Entry, catalogue

__all__ = ["Entry", "catalogue"]
