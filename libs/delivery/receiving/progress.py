"""Which offset may be committed: the first one that is not finished, and never one after it.

Faust takes an offset to be the last one handled where it is the next one to read, and so commits
past a record that is still being worked on; it also forgets records that nobody else holds. This
keeps the offsets themselves, in the order in which they came.
"""

from collections.abc import Iterable


class Progress:
    """The records of one partition that were taken and are still to be finished."""

    def __init__(self) -> None:
        self._pending: dict[int, None] = {}
        self._end: int | None = None

    @property
    def position(self) -> int | None:
        """The next offset to read: everything before it is finished. None when none was taken yet.

        Offsets that the broker never gave us (compacted away) are no holes.
        """
        return next(iter(self._pending), self._end)

    def take(self, offsets: Iterable[int]) -> None:
        """These follow those before, and are to be finished."""
        for offset in offsets:
            self._pending[offset] = None
            self._end = offset + 1

    def finish(self, offsets: Iterable[int]) -> None:
        """The effects, or the dead letters, of these are durable."""
        for offset in offsets:
            del self._pending[offset]
