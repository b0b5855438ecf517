"""What every part of the stack is: something that a ``with`` block closes at its end."""

from abc import ABC, abstractmethod
from typing import Self


class Closing(ABC):
    """Closed at the end of a ``with`` block, whatever happened there."""

    @abstractmethod
    def close(self) -> None:
        """End it, and wait until it has ended. A second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
