"""What is not to be reported as an error, whoever reports errors.

Apart from ``telemetry.sentry``, which loads Sentry's SDK: 0.1 s and 8 MB that a process without a
DSN does not spend.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_unreported: ContextVar[bool] = ContextVar("telemetry_unreported", default=False)


@contextmanager
def unreported() -> Iterator[None]:
    """Nothing that happens inside is reported: for health and metrics routes."""
    token = _unreported.set(True)
    try:
        yield
    finally:
        _unreported.reset(token)


def is_unreported() -> bool:
    """Whether what happens here is inside of ``unreported``."""
    return _unreported.get()
