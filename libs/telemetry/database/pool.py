"""A connection pool's metrics, read when they are exported."""

from collections.abc import Iterable

import asyncpg

from telemetry.metrics import Labels, observe


def observe_pool(pool: asyncpg.Pool, name: str) -> None:
    """Report how many connections of ``pool`` are open, idle and used, and may be open at most.

    Until the pool is closed. ``name`` tells the pools of a process apart.
    """
    label = {"db.client.connection.pool.name": name}

    def counts() -> Iterable[tuple[float, Labels]]:
        if pool.is_closing():
            return
        idle = pool.get_idle_size()
        yield idle, {**label, "db.client.connection.state": "idle"}
        yield pool.get_size() - idle, {**label, "db.client.connection.state": "used"}

    def most() -> Iterable[tuple[float, Labels]]:
        if not pool.is_closing():
            yield pool.get_max_size(), label

    observe("db.client.connection.count", counts)
    observe("db.client.connection.max", most)
