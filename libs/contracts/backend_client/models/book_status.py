from enum import StrEnum


class BookStatus(StrEnum):
    AVAILABLE = "available"
    BORROWED = "borrowed"
    LOST = "lost"

    def __str__(self) -> str:
        return str(self.value)
