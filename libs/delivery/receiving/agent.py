"""Faust's agent, with this library's guarantees."""

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, cast

import faust
import msgspec
from aiokafka import TopicPartition
from faust.types import TP, AgentT, ChannelT, TopicT
from faust.types.agents import SinkT
from mode.utils.futures import maybe_async

from delivery.kafka.app import KafkaApp
from delivery.receiving.actor import Actor
from delivery.receiving.channel import ChannelActor
from delivery.receiving.counting import Counting
from delivery.receiving.partition import Partition
from delivery.receiving.retry import Classify, RetryPolicy, is_passing
from delivery.receiving.source import TopicSource
from delivery.receiving.stream import Stream
from delivery.receiving.testing import AgentUnderTest
from delivery.refused import Misused, Refused

T = TypeVar("T")
Function: TypeAlias = Callable[[Stream[T]], Coroutine[Any, Any, None] | AsyncIterator[Any]]
"""What ``@app.agent`` takes: ``async def name(records)``, which may yield."""
State: TypeAlias = Literal["off", "waiting", "consuming", "retrying", "stopped"]

_DEFAULT_POLICY: Final = RetryPolicy()
_REPLIES: Final = "nobody replies here: send to a topic of answers in the body, and read that"


class Status(msgspec.Struct, frozen=True):
    """An agent as an operator asks for it: is it going on, and if not, why not.

    ``off`` by ENABLE_KAFKA_CONSUMER, ``waiting`` for Kafka or for the group, ``consuming``,
    ``retrying`` at least one record, or ``stopped`` by the circuit. ``reason`` is one line, None
    where there is nothing to explain.
    """

    state: State
    reason: str | None = None

    @property
    def ready(self) -> bool:
        """Whether this agent does what it should. A retry does: it waits for something else, which
        has a readiness of its own."""
        return self.state in ("off", "consuming", "retrying")


class Agent(faust.Agent, Generic[T]):
    """What ``@app.agent(topic)`` makes of ``async def name(records)``.

    The body runs once for each partition that this worker has, as Faust's with
    ``isolated_partitions=True``, and reads that partition's records. Its author may rely on this:

    - **Done is what the body came back from.** When it asks for the next record, the effect of the
      last one is durable, and its offset may be committed; so with the records of one ``take``.
      Nothing else says so. A body that ends with a record in hand (``return``, ``break``) may have
      done it or given it up, and who guessed would lose records: it counts as a body that raised,
      and the record comes again. ``continue``, or simply the end of the loop's body, is done.
    - **Nothing is committed past a record that is not done**: at an error, a stop, a rebalance, a
      crash. What is not done is delivered again, so an effect may come twice: make it idempotent.
    - **A body that raises gets the same record, or the same batch, again**, after a pause, in a new
      run. A failure that passes (``classify``, by default ``is_passing``: the network, a database
      or a Kafka that is away) is tried for ever, and fewer records at once; another one as often as
      ``policy`` says. Then the records of a batch are taken one by one, and a record that fails
      alone as often becomes a dead letter. ``PermanentError`` is not tried again.
    - **In order within a partition**, and so within a key; partitions do not wait for each other.
    - **What cannot be decoded never reaches the body**: it becomes a dead letter, with its bytes.
    - **When everything fails**, the agent stops consuming instead of dead-lettering the topic, and
      goes on by itself: see ``delivery.receiving.retry.Circuit``.
    - **The record's process span is current** in the body, and in a batch of ``take`` the batch's,
      linked to each record's; ``faust.current_event()`` is the (last) record's event.
    - **A sink has what the body yields** before the record counts as done: a topic's broker has
      acknowledged it, a function has returned. A sink that raises is a body that raises.

    Several agents on one topic have every record each; it is committed when all are done with it.
    An agent on ``app.channel()`` has the same retries; but a channel is this process's memory: what
    it holds ends with the process, and what fails for good is logged, for it has no dead letters.

    Raises, when it is made:
        Refused, TypeError: what cannot be; one line that says what to do instead.
    """

    def __init__(
        self,
        fun: Function[T],
        *,
        app: Any,
        name: str | None = None,
        channel: str | ChannelT[T] | None = None,
        concurrency: int = 1,
        sink: Iterable[SinkT] | None = None,
        supervisor_strategy: Any = None,
        policy: RetryPolicy = _DEFAULT_POLICY,
        classify: Classify = is_passing,
        **options: Any,
    ) -> None:
        what = name or str(getattr(fun, "__name__", fun))
        types = [each for each in ("key_type", "value_type", "schema") if options.get(each)]
        _check_function(what, fun)
        _check_channel(what, app, channel)
        if concurrency != 1:
            raise Refused(
                f"agent {what}: concurrency={concurrency} would commit past records in work; its"
                " body runs once for each partition, so give the topic more partitions"
            )
        if types and isinstance(channel, ChannelT):
            raise Misused(f"agent {what}: give {', '.join(types)} to its topic, and not to it")
        if supervisor_strategy is not None:
            raise Refused(
                f"agent {what}: a supervisor_strategy has nothing to do here, a body that raises"
                " is run again as its policy says: policy=RetryPolicy(...)"
            )
        super().__init__(cast(Any, fun), app=app, name=name, channel=channel, **options)
        self.policy = policy
        self.classify = classify
        for each in sink or ():
            self.add_sink(each)
        self._on_channel: ChannelActor | None = None
        self._sources = self._make_sources()

    def _make_sources(self) -> dict[str, TopicSource]:
        if not isinstance(self.channel, TopicT):
            return {}
        sources = {}
        for topic in cast(Any, self.channel).descriptions:
            if topic.dead_letter is None:
                raise Refused(
                    f"agent {self.name}: {topic.name} has no dead-letter topic: where else would"
                    " records go that cannot be decoded, or fail for good?"
                )
            sources[topic.name] = TopicSource(
                cast(KafkaApp, self.app),
                self.channel,
                topic.name,
                topic.dead_letter.name,
                self.policy,
            )
        return sources

    # -- at work

    def actor(self, tp: TopicPartition, counts_messages: bool) -> Actor:
        """Start the body on this partition; the caller feeds and stops the actor."""
        partition = Partition(f"{tp.topic}[{tp.partition}]")
        counting = Counting(self.app, TP(*tp), self.name, counts_messages)
        return Actor(self, self._sources[tp.topic], partition, counting)

    def begin(self, stream: Stream[T]) -> Any:
        """Call the function: a coroutine, or an asynchronous generator."""
        return cast(Any, self.fun)(stream)

    async def sink(self, result: Any) -> None:
        """Give what the body yielded to every sink; returns when they have it."""
        for each in self._sinks:
            if isinstance(each, AgentT | ChannelT):
                await (await each.send(value=result))
            else:
                await maybe_async(each(result))

    def add_sink(self, sink: SinkT) -> None:
        """One more receiver of what the body yields: an agent, a topic, a channel or a function.

        Raises:
            Refused: the body yields nothing.
        """
        if not inspect.isasyncgenfunction(_plain(self.fun)):
            raise Refused(f"agent {self.name}: its body has to yield what its sinks are to have")
        if not (isinstance(sink, AgentT | ChannelT) or callable(sink)):
            raise Misused(
                f"agent {self.name}: a sink is an agent, a topic, a channel or a function, not a"
                f" {type(sink).__name__}"
            )
        super().add_sink(sink)

    @property
    def status(self) -> Status:
        """Whether it is going on, and if not, why not."""
        app = cast(KafkaApp, self.app)
        if self._on_channel is not None:
            return _status(self._on_channel.actor.partition.trouble)
        if not app.kafka.enable_kafka_consumer:
            return Status("off")
        if app.availability.reason is not None:
            return Status("waiting", app.availability.reason)
        consumer = cast(Any, app.consumer)
        if not consumer.joined:
            return Status("waiting", "joining the consumer group")
        for source in self._sources.values():
            if source.circuit.reason is not None:
                return Status("stopped", source.circuit.reason)
        troubles = (actor.partition.trouble for actor in consumer.actors_of(self))
        return _status(next(filter(None, troubles), None))

    async def on_start(self) -> None:
        """An agent on a topic begins when its partitions come; one on a channel, now."""
        if not isinstance(self.channel, TopicT):
            self._on_channel = ChannelActor(self, self.app, self.channel)

    async def on_stop(self) -> None:
        """Finish what is in hand, within the time that a stop has."""
        on_channel, self._on_channel = self._on_channel, None
        if on_channel is not None:
            await on_channel.stop(cast(KafkaApp, self.app).kafka.kafka_stop_timeout)

    def cancel(self) -> None:
        """Nothing: the consumer stops the bodies, and lets them finish."""

    # -- for tests, and what is refused

    def test_context(self, channel: Any = None, *_: Any, **__: Any) -> Any:
        """The agent alone, without Kafka, as in Faust's guide: see ``AgentUnderTest``."""
        return AgentUnderTest(self)

    async def send(self, *, reply_to: Any = None, **message: Any) -> Any:
        """Send to the agent's topic, as the topic's ``send``."""
        if reply_to is not None:
            raise Refused(f"agent.send(reply_to=...): {_REPLIES}")
        return await self.channel.send(**message)

    def ask(self, *_: Any, **__: Any) -> Any:
        """Refused; so are ``ask_nowait``, ``map``, ``kvmap``, ``join`` and ``kvjoin``."""
        raise Refused(f"agent.ask(), map() and join(): {_REPLIES}")

    ask_nowait = map = kvmap = join = kvjoin = ask

    def stream(self, *_: Any, **__: Any) -> Any:
        """Refused; so is calling the agent."""
        raise Refused(f"the stream of agent {self.name} is its body's: make another agent")

    __call__ = actor_from_stream = stream


def _status(trouble: str | None) -> Status:
    return Status("consuming" if trouble is None else "retrying", trouble)


def _plain(fun: Any) -> Any:
    """What a decorator wrapped, or what is called when it is an object's ``__call__``."""
    fun = inspect.unwrap(fun)
    return fun if inspect.isroutine(fun) or isinstance(fun, functools.partial) else fun.__call__


def _check_function(what: str, fun: Any) -> None:
    plain = _plain(fun) if callable(fun) else fun
    if not (inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain)):
        raise Misused(
            f"agent {what}: an agent is an `async def {what}(records)` that reads its records with"
            " `async for`"
        )
    try:
        inspect.signature(fun).bind(None)
    except TypeError:
        raise Misused(
            f"agent {what}: an agent takes one argument, the stream of its records:"
            f" async def {what}(records)"
        ) from None


def _check_channel(what: str, app: Any, channel: Any) -> None:
    if not isinstance(app, KafkaApp):
        raise Misused(f"agent {what}: its application is to be made by create_app")
    if channel is None or isinstance(channel, str):
        return
    if not isinstance(channel, ChannelT):
        raise Misused(
            f"agent {what}: it reads a topic, a topic's name or a channel of its application, not"
            f" a {type(channel).__name__}; make one with app.topic(...)"
        )
    if cast(Any, channel).app is not app:
        raise Refused(
            f"agent {what}: {channel} belongs to another application; make it with app.topic(...)"
            " of this one"
        )
