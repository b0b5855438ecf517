"""Topics as descriptions, and as the Faust topics that an application makes of them."""

from typing import Any

import faust
import msgspec
import pytest

from delivery.application import App, create_app
from delivery.kafka.settings import KafkaSettings
from delivery.refused import Refused
from delivery.topics import BytesSchema, NotARecordError, TopicDescription, json_topic
from delivery.topics.topic import Topic


class Parcel(msgspec.Struct, tag=True):
    number: int
    to: str


PARCELS = json_topic(
    "parcels",
    Parcel,
    key=lambda parcel: parcel.number,
    partitions=2,
    config={"cleanup.policy": "compact"},
)


@pytest.fixture
def app() -> App:
    return create_app("test", KafkaSettings(kafka_broker_url="127.0.0.1:1"))


class Message:
    def __init__(self, value: bytes | None, key: bytes | None = b"1") -> None:
        self.key = key
        self.value = value


def read(value: bytes | None) -> Any:
    return PARCELS.schema.loads_value(None, Message(value))  # type: ignore[arg-type]  # all it asks


def test_a_record_is_read_and_fields_of_a_later_version_are_ignored() -> None:
    assert read(b'{"type": "Parcel", "number": 1, "to": "Ada", "weight": 2}') == Parcel(1, "Ada")


def test_dead_letters_have_a_topic_that_keeps_them_and_is_as_wide() -> None:
    assert PARCELS.dead_letter is not None
    assert PARCELS.dead_letter.name == "parcels.dlq"
    assert PARCELS.dead_letter.partitions == PARCELS.partitions == 2
    assert PARCELS.dead_letter.config["retention.ms"] == "-1"
    assert PARCELS.dead_letter.dead_letter is None


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"\xff",
        b'"\xff"',
        b"[" * 100_000,
        b"null",
        b'{"type": "Parcel", "number": "one", "to": "s3cret"}',
        b'{"type": "s3cret"}',
    ],
)
def test_anything_else_is_an_error_that_repeats_nothing_of_it(value: bytes | None) -> None:
    error = read(value)
    assert isinstance(error, NotARecordError)
    assert "s3cret" not in str(error)


@pytest.mark.parametrize("key", [7, "7", b"7"])
def test_a_key_is_written_as_any_client_would(key: Any) -> None:
    topic = json_topic("t", Parcel, key=lambda _: key)
    assert topic.encode(Parcel(7, "Ada")) == (b"7", b'{"type":"Parcel","number":7,"to":"Ada"}')


@pytest.mark.parametrize("key", [1.5, True, ("a",)])
def test_what_is_no_key_is_refused(key: Any) -> None:
    with pytest.raises(TypeError, match="a key is bytes, text or a whole number, not"):
        json_topic("t", Parcel, key=lambda _: key).encode(Parcel(7, "Ada"))


def test_an_application_makes_a_faust_topic_of_a_description(app: App) -> None:
    topic = app.topic(PARCELS)
    assert isinstance(topic, Topic)
    assert isinstance(topic, faust.Topic)
    assert topic.get_topic_name() == topic.name == "parcels"
    assert topic.partitions == 2
    assert topic.config == {"cleanup.policy": "compact"}
    assert topic.descriptions == (PARCELS,)
    assert topic.clone(is_iterator=True).descriptions == (PARCELS,)  # type: ignore[attr-defined]
    assert topic.encode(Parcel(7, "Ada")) == PARCELS.encode(Parcel(7, "Ada"))
    assert app.declared_topics == [PARCELS]


def test_a_description_has_everything_and_takes_nothing_beside_it(app: App) -> None:
    with pytest.raises(TypeError, match=r"app.topic\(parcels\) takes nothing beside"):
        app.topic(PARCELS, partitions=3)  # type: ignore[call-overload]


class Greeting(faust.Record):
    text: str


def test_a_topic_as_in_fausts_guide_has_dead_letters_and_fausts_settings(app: App) -> None:
    topic = app.topic(
        "hello",
        "goodbye",
        value_type=Greeting,
        partitions=3,
        replicas=2,
        retention=60.0,
        compacting=True,
        deleting=True,
        config={"segment.ms": 5},
    )
    hello, goodbye = topic.descriptions
    assert (hello.name, goodbye.name) == ("hello", "goodbye")
    assert (hello.partitions, hello.replicas) == (3, 2)
    assert hello.config == {
        "segment.ms": "5",
        "cleanup.policy": "compact,delete",
        "retention.ms": "60000",
    }
    assert goodbye.dead_letter is not None
    assert (goodbye.dead_letter.name, goodbye.dead_letter.partitions) == ("goodbye.dlq", 3)


def test_a_faust_record_is_encoded_by_fausts_schema(app: App) -> None:
    key, value = app.topic("hello", value_type=Greeting).encode(Greeting(text="hi"), key="k")
    assert key == b"k"
    assert msgspec.json.decode(value)["text"] == "hi"


def test_a_struct_may_be_the_value_type_as_a_faust_record_may(app: App) -> None:
    topic = app.topic("parcels-too", value_type=Parcel)
    encoded = topic.encode(Parcel(7, "Ada"), key="k")
    assert encoded == (b"k", b'{"type":"Parcel","number":7,"to":"Ada"}')
    assert topic.schema.loads_value(app, Message(encoded.value)) == Parcel(7, "Ada")  # type: ignore[arg-type]


def test_a_topic_by_pattern_is_refused(app: App) -> None:
    with pytest.raises(TypeError, match="name its topics"):
        app.topic(pattern="parcel.*")


@pytest.mark.parametrize("name", ["parcel.*", "a b", "", ".", "..", "x" * 250, "söme"])
def test_a_name_that_kafka_does_not_take_is_told_at_once(app: App, name: str) -> None:
    with pytest.raises(Refused, match="is no name of a topic"):
        app.topic(name)


def test_a_derived_topic_is_one_of_the_applications_and_is_created(app: App) -> None:
    derived = app.topic(PARCELS).derive_topic(suffix="-again")
    assert derived.encode(Parcel(7, "Ada")) == PARCELS.encode(Parcel(7, "Ada"))
    (description,) = [each for each in app.declared_topics if each.name == "parcels-again"]
    assert (description.partitions, description.config) == (2, PARCELS.config)
    assert description.dead_letter is not None
    assert description.dead_letter.name == "parcels-again.dlq"


async def test_a_topic_is_not_read_past_its_agents(app: App) -> None:
    topic = app.topic("hello")
    with pytest.raises(Refused, match="read by an agent"):
        aiter(topic)
    for use in (topic.get(), topic.put(None)):
        with pytest.raises(Refused, match="read by an agent"):
            await use


async def test_what_a_serializer_made_no_bytes_of_is_said_so(app: App) -> None:
    with pytest.raises(TypeError, match="the key of a record for hello became a dict and no bytes"):
        await app.topic("hello").send(key=Greeting(text="raw"), value=1)


def test_a_description_in_fausts_schema_needs_an_application_to_encode(app: App) -> None:
    described = TopicDescription[Any](name="t", schema=faust.Schema(value_serializer="json"))
    with pytest.raises(TypeError, match=r"t is encoded by app.topic\(description\)"):
        described.encode({"a": 1})
    assert app.topic(described).encode({"a": 1}) == (None, b'{"a":1}')


def test_bytes_are_records_of_a_topic_of_bytes() -> None:
    assert TopicDescription(name="t", schema=BytesSchema()).encode(b"\xff", "k") == (b"k", b"\xff")
