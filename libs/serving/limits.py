"""What one server gives to its clients together, and how long it waits for each."""

from dataclasses import dataclass
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bytes and seconds; the defaults suit an API that takes a few MiB at a time.

    ``head`` is the most bytes of a request line with its header, ``headers`` the most lines of it
    (431 above either). ``body`` is the most that one body may have (413), ``bodies`` what all
    bodies in work may have together beyond the first ``small_body`` of each (503): a small body
    always finds room.

    ``connections`` are open at once at most. One more takes the place of the one that has waited
    longest without a request; when all have one, it is answered 503. It is lowered where the
    process may not open so many files.

    ``head_s`` is from the first byte of a header to its end, and from a new connection to its
    first byte. Between requests it is uvicorn's ``timeout_keep_alive``. ``stalled_s`` is without
    any byte of a body that is being waited for, ``body_s`` for all of it (408). ``unread_s`` is
    how long a client may leave an answer unread. ``leave_s`` is for a client that was refused to
    read why and go. ``stop_s`` is what requests in work get at a stop.
    """

    head: int = 64 * KIB
    headers: int = 256
    body: int = 32 * MIB
    bodies: int = 32 * MIB
    small_body: int = 64 * KIB
    connections: int = 1_000
    head_s: float = 10.0
    stalled_s: float = 10.0
    body_s: float = 30.0
    unread_s: float = 30.0
    leave_s: float = 2.0
    stop_s: float = 3.0
