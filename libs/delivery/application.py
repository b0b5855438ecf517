"""A Faust application with this library's defaults.

Faust's own defaults lose records, wait minutes for a killed worker, listen on every interface and
give up when Kafka is away, and its agents lose what they fail at. This application does none of it.
Its agents are ``delivery.receiving.agent``; it starts no web server and no tables.
"""

import inspect
import logging
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any, Final, TypeVar, cast, overload

import faust
from faust.app.base import BootStrategy
from faust.types import ChannelT, TopicT
from faust.types.agents import SinkT
from faust.types.settings import Settings
from mode.types import ServiceT

from delivery.kafka.availability import Availability
from delivery.kafka.clients.exact import read_leniently
from delivery.kafka.clients.quiet import quieten_aiokafka
from delivery.kafka.closing import close_forgotten_connections
from delivery.kafka.settings import KafkaSettings
from delivery.receiving.agent import Agent, Function
from delivery.receiving.retry import Classify, RetryPolicy
from delivery.refused import Misused, Refused
from delivery.topics import TopicDescription
from delivery.topics.topic import Topic
from delivery.transport import SCHEME
from delivery.worker.app import WorkerApp
from delivery.worker.commands import obey_options, run_commands_alone
from delivery.worker.leader import Leader
from delivery.worker.parts import Binds
from delivery.worker.settings import checked

# A killed worker's partitions go to another after this time; the project promises 15 s.
SESSION_TIMEOUT_S: Final = 8.0
HEARTBEAT_S: Final = 2.0
REQUEST_TIMEOUT_S: Final = 30.0
COMMIT_INTERVAL_S: Final = 1.0
# A worker whose event loop hangs for this long gives its partitions up. One whose records are only
# being tried again does not: the consumer goes on asking.
MAX_POLL_INTERVAL_S: Final = 60.0
_MB: Final = 1024 * 1024

T = TypeVar("T")


class _Settings(Settings):
    """Faust's settings, without its habit of letting environment variables override them."""

    def getenv(self, env_name: str) -> Any:
        return None


class _Boot(BootStrategy):
    """What starts, in this order, and stops in the opposite one: sensors, services that do not need
    Kafka, producer, agents, consumer. Agents that stop may still send, and commit after that."""

    app: "App"

    def server(self) -> Iterable[ServiceT]:
        kafka: list[ServiceT] = []
        if self.app.kafka.enable_kafka_consumer:
            kafka = [self.app.producer, self.app.agents, self.app.consumer, self.app.leader]
        return chain(self.sensors(), self.app.before_kafka, kafka)

    def producer_only(self) -> Iterable[ServiceT]:
        return chain(self.sensors(), self.app.before_kafka, [self.app.producer])


class Worker(faust.Worker):
    """The worker of ``faust worker``, without what Faust adds for a terminal.

    Logging stays as it is where it is set up already, but for the level that ``-l`` names. Faust's
    own web server, which the command line switches on, stays off. What is printed is not logged.
    """

    def __init__(self, app: "App", *args: Any, **kwargs: Any) -> None:
        app.conf.web_enabled = False
        obey_options(kwargs.get("loglevel"))
        kwargs["override_logging"] = not logging.getLogger().handlers
        kwargs["redirect_stdouts"] = app.conf.worker_redirect_stdouts
        for service in app.before_kafka:
            if isinstance(service, Binds):  # a port in use is one line, and no more
                service.bind()
        super().__init__(app, *args, **kwargs)
        self.spinner = None


class App(WorkerApp):
    """See ``create_app``.

    ``before_kafka`` is the seam for services that must run while Kafka is away, such as an HTTP
    server: mode services, started first and stopped last.
    """

    BootStrategy = _Boot
    Settings = _Settings

    before_kafka: list[ServiceT]

    @overload  # type: ignore[override]  # Faust's own says nothing of what its body is to be
    def agent(
        self,
        channel: Topic[T],
        *,
        name: str | None = ...,
        policy: RetryPolicy | None = ...,
        classify: Classify | None = ...,
        sink: Iterable[SinkT] | None = ...,
        **options: Any,
    ) -> Callable[[Function[T]], Agent[T]]: ...

    @overload
    def agent(
        self,
        channel: str | ChannelT[Any] | None = ...,
        *,
        name: str | None = ...,
        policy: RetryPolicy | None = ...,
        classify: Classify | None = ...,
        sink: Iterable[SinkT] | None = ...,
        **options: Any,
    ) -> Callable[[Function[Any]], Agent[Any]]: ...

    def agent(
        self,
        channel: str | ChannelT[Any] | None = None,
        *,
        name: str | None = None,
        policy: RetryPolicy | None = None,
        classify: Classify | None = None,
        sink: Iterable[SinkT] | None = None,
        **options: Any,
    ) -> Callable[[Function[Any]], Agent[Any]]:
        """Make an agent of ``async def name(records)``, which reads this topic, or channel.

        The stream is of the topic's records, which a type checker sees to.
        ``policy`` and ``classify`` say what happens to a record at which the body raises; the
        guarantees are those of ``delivery.receiving.agent.Agent``.

        Raises:
            Refused, TypeError: what cannot be; one line that says what to do instead.
        """
        if inspect.isroutine(channel):
            raise Misused("@app.agent takes its parentheses: @app.agent(topic)")
        if "on_error" in options:
            raise Refused(
                f"@app.agent({channel}, on_error=...) would be told too late to do anything: catch"
                " in the body what it can deal with; what it raises is tried again, and logged"
            )
        given = {"policy": policy, "classify": classify}
        options |= {option: value for option, value in given.items() if value is not None}
        decorate = super().agent(channel, name=name, sink=sink, **options)

        def registered(function: Function[Any]) -> Agent[Any]:
            before = dict(self.agents)
            agent = cast(Agent[Any], decorate(cast(Any, function)))
            if agent.name in before:  # Faust would forget the first one
                self.agents[agent.name] = before[agent.name]
                raise Refused(f"agent {agent.name}: there is one of this name: give it a name=")
            return agent

        return registered

    def stream(self, channel: Any, beacon: Any = None, **options: Any) -> Any:
        """Faust's own stream of a channel or of anything that can be iterated.

        Raises:
            Refused: for a topic, whose records have their guarantees in an agent.
        """
        if isinstance(channel, TopicT):
            raise Refused(
                f"a stream of {channel} outside of an agent would commit what nobody has done:"
                " read it with @app.agent(topic)"
            )
        return super().stream(channel, beacon, **options)

    async def on_start(self) -> None:
        """Faust's own start would also create the consumer of a producer-only application.

        Channels hold everything back until somebody says ``resume``: in Faust a rebalance, here the
        start, for what a channel holds does not come from Kafka.
        """
        self.finalize()
        self.flow_control.resume()

    def _create_directories(self) -> None:
        """None: they are for tables, and their parent need not exist or be writable."""

    async def _stop_consumer(self) -> None:
        """Leave it to the consumer's own stop: Faust's way here acknowledges what is in flight."""


def create_app(
    name: str,
    kafka: KafkaSettings,
    *,
    producer_only: bool = False,
    topics: Iterable[TopicDescription[Any]] = (),
    **faust_settings: Any,
) -> App:
    """A Faust application for receiving (a worker) or, ``producer_only``, for sending.

    ``topics`` are created, with their dead-letter topics, when Kafka is first reached; those that
    ``app.topic`` makes are added to them. Starting waits for Kafka for as long as it takes: start a
    ``producer_only`` application in a task where something else must go on meanwhile.
    With ENABLE_KAFKA_CONSUMER=false a worker runs its ``before_kafka`` services alone.
    ``faust_settings`` are Faust's own, over this library's defaults.

    Raises:
        Refused: a setting that would break a promise, or does nothing here; one line says why.
    """
    quieten_aiokafka()
    read_leniently()
    close_forgotten_connections()
    run_commands_alone()
    servers = kafka.bootstrap_servers()
    settings: dict[str, Any] = {
        "broker": ";".join(f"{SCHEME}://{server}" for server in servers),
        "broker_credentials": kafka.faust_credentials(),
        "broker_client_id": name,
        "broker_session_timeout": SESSION_TIMEOUT_S,
        "broker_heartbeat_interval": HEARTBEAT_S,
        "broker_rebalance_timeout": 2 * kafka.kafka_stop_timeout,
        "broker_request_timeout": REQUEST_TIMEOUT_S,
        "broker_max_poll_interval": MAX_POLL_INTERVAL_S,
        "broker_commit_interval": COMMIT_INTERVAL_S,
        "broker_max_poll_records": 1000,
        "consumer_auto_offset_reset": "earliest",
        "consumer_group_instance_id": kafka.kafka_group_instance_id,
        "consumer_metadata_max_age_ms": 30_000,
        "producer_acks": -1,
        "producer_request_timeout": REQUEST_TIMEOUT_S,
        # A dead letter is the record and its story: it must fit where the record fitted.
        "producer_max_request_size": 16 * _MB,
        "producer_metadata_max_age_ms": 30_000,
        "topic_allow_declare": False,
        "topic_disable_leader": True,
        "table_standby_replicas": 0,  # Faust then leaves the assignment to aiokafka
        "web_enabled": False,
        "Agent": Agent,
        "Topic": Topic,
        "Worker": Worker,
        "worker_redirect_stdouts": False,
        "autodiscover": False,
    }
    app = App(kafka.kafka_group_id or name, **settings | dict(checked(faust_settings)))
    app.kafka = kafka
    app.availability = Availability()
    app.before_kafka = []
    app.leader = Leader(app)
    app.declared_topics = list(topics)
    app.producer_only = producer_only
    return app
