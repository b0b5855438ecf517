"""Which offset may be committed: the first one that is not finished, and never one after it.

Faust takes an offset to be the last one handled where it is the next one to read, and so commits
past a record that is still being worked on; it also forgets records that nobody else holds. This
keeps the offsets themselves, in the order in which they came.
"""

from collections.abc import Iterable


class Progress:
    """The records of one batch that are still to be finished."""

    def __init__(self, offsets: Iterable[int]) -> None:
        self._pending = dict.fromkeys(offsets)
        self._end = max(self._pending) + 1

    @property
    def position(self) -> int:
        """The next offset to read: everything in the batch before it is finished.

        Offsets that the broker never gave us (compacted away) are no holes.
        """
        return next(iter(self._pending), self._end)

    def finish(self, offsets: Iterable[int]) -> None:
        """The effects, or the dead letters, of these are durable."""
        for offset in offsets:
            del self._pending[offset]

    def pending(self, offset: int) -> bool:
        """Whether this one is still to be finished."""
        return offset in self._pending
