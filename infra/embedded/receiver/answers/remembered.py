"""Answers that cost much, kept until what they are made of changes."""

from collections.abc import Callable, Hashable
from typing import Any

_MOST = 16
"""Answers of one state."""


class Remembered:
    """The answers of one state of what is kept: with another state they are forgotten."""

    def __init__(self) -> None:
        self._state: object = None
        self._answers: dict[Hashable, Any] = {}

    def get(self, state: object, question: Hashable, make: Callable[[], Any]) -> Any:
        """The answer to the question, made when there is none yet."""
        if state != self._state or len(self._answers) >= _MOST:
            self._state = state
            self._answers.clear()
        if question not in self._answers:
            self._answers[question] = make()
        return self._answers[question]
