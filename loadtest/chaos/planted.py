"""Services with a bug in them, for the test of the test: the campaign must find each.

    python -m loadtest.chaos.planted ack -- faust -A backend.app worker

replaces a few lines of the libraries in this process, and then runs the program as usual. The
libraries and the services know nothing of it.
"""

import asyncio
import contextvars
import runpy
import sys
from collections.abc import Callable
from typing import Any, Final


def ack() -> None:
    """Commit before the effect: an offset is done as soon as its record was handed over."""
    from delivery.receiving.partition import Partition

    feed = Partition.feed

    def feed_and_forget(self: Any, records: list[Any]) -> None:
        self.handed_over = records[-1].offset + 1
        feed(self, records)

    Partition.feed = feed_and_forget  # type: ignore[method-assign]
    Partition.position = property(  # type: ignore[assignment,method-assign]
        lambda self: getattr(self, "handed_over", None)
    )


def outbox() -> None:
    """Send outside of the transaction: the record is written when the change has committed."""
    from delivery.sending.outbox import INSERT, Outbox, encoded, trace_context

    tasks: set[asyncio.Task[None]] = set()

    async def later(self: Any, *values: object) -> None:
        await asyncio.sleep(0.2)  # as a producer does that gathers records before it sends
        await self._engine.pool.execute(INSERT, *values)
        self.committed()

    async def add(self: Any, topic: Any, record: Any, *, key: Any = None) -> None:
        work = later(self, topic.name, *encoded(topic, record, key), trace_context())
        task = asyncio.create_task(work, context=contextvars.Context())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def insert(self: Any, query: Any, topic: Any, records: Any, **given: Any) -> list[int]:
        ids = [row["id"] for row in await query(**given)]
        for row_id, record in zip(ids, records, strict=True):
            await add(self, topic, record(row_id))
        return ids

    Outbox.add = add  # type: ignore[method-assign]
    Outbox.insert = insert  # type: ignore[method-assign]


def guard() -> None:
    """No de-duplication: whatever is delivered is applied, newer or not."""
    from backend.ingestion import Ingestion
    from backend.ingestion.upsert import upsert

    init = Ingestion.__init__

    def unguarded(self: Any, pool: Any, **_: Any) -> None:
        init(self, pool, upsert(guarded=False))

    Ingestion.__init__ = unguarded  # type: ignore[assignment,method-assign]


BUGS: Final[dict[str, Callable[[], None]]] = {"ack": ack, "outbox": outbox, "guard": guard}


def main() -> None:
    """Plant the bug, and become the program."""
    bug, _, program, *arguments = sys.argv[1:]
    BUGS[bug]()
    sys.argv = [program, *arguments]
    # Not the package: Faust's has no spec any more once it is imported.
    runpy.run_module(f"{program}.__main__", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
