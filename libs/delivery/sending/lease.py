"""The right to send: a row with an owner, an epoch and an expiry, by the database's clock.

A stopped process keeps an advisory lock for ever; a lease runs out. The holder counts its own time
from before it asked, on a clock that no clock change moves and that goes on while the machine
sleeps, and stops a margin early: its idea of the expiry is always earlier than the database's. What
a process does that wakes up after its lease has run out (one batch on its way, at worst) is a
repeat, which consumers absorb by sequence.
"""

import asyncpg

from delivery.sending.outbox_app.tables import named
from delivery.sending.stillness import seconds

TTL = 6.0
"""Seconds that a lease lasts: with the standbys' poll it bounds the time to take over (10 s)."""
RENEW_EVERY = 1.5
"""Seconds between renewals: two may fail before the margin is reached."""
MARGIN = 1.5
"""Seconds before the expiry at which the holder stops sending."""

ACQUIRE = """
INSERT INTO {lease} AS lease (name, owner, epoch, expires_at)
VALUES ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
ON CONFLICT (name) DO UPDATE
SET owner = excluded.owner, epoch = lease.epoch + 1, expires_at = excluded.expires_at
WHERE lease.owner = excluded.owner OR lease.expires_at < clock_timestamp()
RETURNING epoch
"""
RENEW = """
UPDATE {lease} SET expires_at = clock_timestamp() + make_interval(secs => $4)
WHERE name = $1 AND owner = $2 AND epoch = $3
RETURNING epoch
"""
RELEASE = """
UPDATE {lease} SET expires_at = '-infinity' WHERE name = $1 AND owner = $2 AND epoch = $3
"""


class LeaseLostError(Exception):
    """The right to send is gone, or so close to its end that nothing more may be sent."""


class Lease:
    """One process's view of the lease `name`; `owner` is unique to the process.

    Guarantee: of all processes, at most one finds `held` true at any time, as long as none is
    stopped between looking and doing.
    """

    def __init__(self, name: str, owner: str, ttl: float = TTL) -> None:
        self.name, self.owner, self.ttl = name, owner, ttl
        self.epoch = 0
        self._deadline = 0.0

    @property
    def held(self) -> bool:
        """Whether something may be sent now."""
        return seconds() < self._deadline

    @property
    def remaining(self) -> float:
        """Seconds until `held` ends without a renewal; 0 when it has."""
        return max(0.0, self._deadline - seconds())

    async def acquire(self, connection: asyncpg.Connection) -> bool:
        """Take the lease if it is free, has run out, or is this owner's; whether it was taken."""
        asked = seconds()
        epoch = await connection.fetchval(named(ACQUIRE), self.name, self.owner, self.ttl)
        if epoch is None:
            return False
        self.epoch = epoch
        self._deadline = asked + self.ttl - MARGIN
        return True

    async def renew(self, connection: asyncpg.Connection) -> None:
        """Put the expiry off. Raises LeaseLostError when it has changed hands."""
        asked = seconds()
        epoch = await connection.fetchval(named(RENEW), self.name, self.owner, self.epoch, self.ttl)
        if epoch is None:
            self._deadline = 0.0
            raise LeaseLostError(f"another process holds the lease {self.name!r} now")
        self._deadline = asked + self.ttl - MARGIN

    async def release(self, connection: asyncpg.Connection) -> None:
        """Give the lease up, so that the next process need not wait for the expiry."""
        self._deadline = 0.0
        await connection.execute(named(RELEASE), self.name, self.owner, self.epoch)
