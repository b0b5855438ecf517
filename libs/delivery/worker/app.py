"""Faust's application beside agents: leadership, tasks, and what of its features is refused.

``@app.timer``, ``@app.crontab``, ``@app.task`` and ``@app.service`` are Faust's own, and start when
Kafka has been reached. With ``on_leader=True`` they run in one worker of the group
(``delivery.worker.leader``). An error in one of them ends the worker, as in Faust.
"""

import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final, NoReturn

from delivery.kafka.app import KafkaApp
from delivery.refused import Misused, Refused
from delivery.worker.leader import Leader

_TABLES: Final = (
    "tables are not kept here: keep the state in a table of your database, written by an agent"
)
_PAGES: Final = "Faust's web server is off: serve HTTP from a service in app.before_kafka"


class WorkerApp(KafkaApp):
    """The part of ``delivery.application.App`` that knows timers, leaders and refusals."""

    leader: Leader

    # -- leadership

    def is_leader(self) -> bool:
        """Whether this worker is the leader of its group now; see ``delivery.worker.leader``.

        A worker stands for leader from the first time that it is asked: False until it has joined.
        """
        self.leader.stand()
        return self.leader.is_leader

    # Faust's own decorators differ from mode's of the same names, too.

    def task(  # type: ignore[override]
        self, fun: Any = None, *, on_leader: bool = False, traced: bool = True
    ) -> Any:
        """As Faust's. ``on_leader``: runs in the worker that is leader once its group has decided;
        not again when another one follows it."""
        if not on_leader:
            return super().task(fun, traced=traced)

        def decorate(fun: Callable[..., Awaitable[Any]]) -> Any:
            takes_app = bool(inspect.signature(fun).parameters)

            @wraps(fun)
            async def when_elected(*_: Any) -> None:
                if await self.leader.elected():
                    await (fun(self) if takes_app else fun())

            self.leader.stand()
            return super(WorkerApp, self).task(when_elected, traced=traced)

        return decorate if fun is None else decorate(fun)

    def timer(  # type: ignore[override]
        self, interval: Any, on_leader: bool = False, **options: Any
    ) -> Any:
        """As Faust's; ``on_leader``: ticks everywhere, runs in the worker that leads then."""
        if inspect.isroutine(interval):
            raise Misused("@app.timer takes its parentheses: @app.timer(seconds)")
        if on_leader:
            self.leader.stand()
        return super().timer(interval, on_leader, **options)

    def crontab(  # type: ignore[override]
        self, cron_format: str, *, on_leader: bool = False, **options: Any
    ) -> Any:
        """As Faust's; ``on_leader``: runs in the worker that leads then."""
        if inspect.isroutine(cron_format):
            raise Misused("@app.crontab takes its parentheses: @app.crontab('* * * * *')")
        if on_leader:
            self.leader.stand()
        return super().crontab(cron_format, on_leader=on_leader, **options)

    def command(self, *options: Any, base: Any = None, **given: Any) -> Any:
        """As Faust's; also without parentheses, where Faust's would leave the command out."""
        if len(options) == 1 and inspect.iscoroutinefunction(options[0]):
            return super().command(base=base)(options[0])
        return super().command(*options, base=base, **given)

    def worker_init_post_autodiscover(self) -> None:
        """Tell those who wait for it, and leave out Faust's web server."""
        self.on_worker_init.send()

    async def on_started(self) -> None:
        """Start tasks and services; not when the worker was told to stop while Kafka was away."""
        if not self.should_stop:
            await super().on_started()

    # -- refusals

    def Table(self, name: str, *_: Any, **__: Any) -> NoReturn:
        """Refused, with GlobalTable, SetTable and SetGlobalTable, and so are windows."""
        raise Refused(f"table {name}: {_TABLES}")

    GlobalTable = SetTable = SetGlobalTable = Table

    def page(self, path: str, **_: Any) -> NoReturn:
        """Refused."""
        raise Refused(f"@app.page({path!r}): {_PAGES}")

    def table_route(self, *_: Any, **__: Any) -> NoReturn:
        """Refused."""
        raise Refused(f"@app.table_route: {_PAGES}")

    def topic_route(self, *_: Any, **__: Any) -> NoReturn:
        """Refused."""
        raise Refused(f"@app.topic_route: {_PAGES}")

    def web_server(self, service: Any) -> NoReturn:
        """Refused: it would be started after Kafka, and Kafka may be away."""
        raise Refused(
            "@app.web_server: append the service to app.before_kafka, which starts also while Kafka"
            " is away"
        )

    def LiveCheck(self, **_: Any) -> NoReturn:
        """Refused."""
        raise Refused(
            "app.LiveCheck: it needs tables and Faust's web server; follow a record by its trace"
        )

    @property
    def livecheck(self) -> NoReturn:
        """Refused, for ``faust livecheck``."""
        self.LiveCheck()

    async def start_client(self) -> NoReturn:
        """Refused: what it is for, replies, does not exist here."""
        raise Refused(
            "app.start_client: there are no replies here; create_app(..., producer_only=True) sends"
        )

    async def maybe_start_client(self) -> NoReturn:
        """Refused, as ``start_client``."""
        await self.start_client()

    async def commit(self, topics: Any) -> NoReturn:
        """Refused: an offset is committed when its effect is durable, and only then."""
        raise Refused("app.commit: offsets are committed by themselves, once the effect is durable")
