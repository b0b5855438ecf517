"""What of Faust an application refuses: each in one line that says what to do instead."""

import inspect
from collections.abc import Callable
from typing import Any

import faust
import pytest
from faust.cli import AppCommand
from faust.types.settings import Settings

from delivery.application import App, create_app
from delivery.kafka.settings import KafkaSettings
from delivery.refused import Refused
from delivery.worker.settings import checked

KAFKA = KafkaSettings(kafka_broker_url="127.0.0.1:1")


@pytest.fixture
def app() -> App:
    return create_app("test", KAFKA)


@pytest.mark.parametrize(
    ("use", "instead"),
    [
        (lambda app: app.Table("totals", default=int), "table of your database"),
        (lambda app: app.GlobalTable("totals"), "table of your database"),
        (lambda app: app.SetTable("totals"), "table of your database"),
        (lambda app: app.SetGlobalTable("totals"), "table of your database"),
        (lambda app: app.page("/"), "app.before_kafka"),
        (lambda app: app.table_route(None), "app.before_kafka"),
        (lambda app: app.topic_route(None), "app.before_kafka"),
        (lambda app: app.web_server(object), "app.before_kafka"),
        (lambda app: app.LiveCheck(), "by its trace"),
        (lambda app: app.livecheck, "by its trace"),
    ],
)
def test_a_feature_without_its_guarantees_is_refused_at_the_call(
    app: App, use: Callable[[App], Any], instead: str
) -> None:
    with pytest.raises(Refused, match=instead) as refused:
        use(app)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["start_client", "maybe_start_client"])
async def test_a_client_for_replies_is_refused(app: App, name: str) -> None:
    with pytest.raises(Refused, match="producer_only=True"):
        await getattr(app, name)()


async def test_a_commit_by_hand_is_refused(app: App) -> None:
    with pytest.raises(Refused, match="once the effect is durable"):
        await app.commit(None)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("id", "x"),
        ("broker", "kafka://elsewhere"),
        ("broker_credentials", None),
        ("producer_acks", 0),
        ("producer_threaded", True),
        ("consumer_auto_offset_reset", "latest"),
        ("processing_guarantee", "exactly_once"),
        ("processing_guarantee", faust.types.enums.ProcessingGuarantee.EXACTLY_ONCE),
        ("stream_publish_on_commit", True),
        ("stream_wait_empty", False),
        ("stream_processing_timeout", 5),
        ("broker_commit_every", 1),
        ("agent_supervisor", None),
        ("topic_allow_declare", True),
        ("topic_disable_leader", False),
        ("table_standby_replicas", 1),
        ("store", "rocksdb://"),
        ("datadir", "/x"),
        ("reply_to", "x"),
        ("web_enabled", True),
        ("web_port", 80),
        ("cache", "redis://"),
        ("Agent", object),
        ("Stream", object),
        ("Topic", object),
        ("Table", object),
        ("PartitionAssignor", object),
        ("no_such_setting", 1),
    ],
)
def test_a_setting_that_would_break_a_promise_is_refused_by_name(setting: str, value: Any) -> None:
    with pytest.raises(Refused, match=f"^{setting}: ") as refused:
        create_app("test", KAFKA, **{setting: value})
    assert "\n" not in str(refused.value)


def test_a_command_needs_no_parentheses(app: App) -> None:
    @app.command
    async def greet(self: Any) -> None:
        "Say hello."

    assert issubclass(greet, AppCommand)


@pytest.mark.parametrize("decorator", ["agent", "timer", "crontab"])
def test_a_decorator_without_its_parentheses_is_told_at_once(app: App, decorator: str) -> None:
    """Faust takes the function for the channel, or the interval, and nothing ever runs."""

    async def nothing() -> None: ...

    with pytest.raises(
        Refused, match=rf"^@app\.{decorator} takes its parentheses: @app\.{decorator}\("
    ):
        getattr(app, decorator)(nothing)


def test_other_settings_of_faust_are_passed_through() -> None:
    app = create_app(
        "test",
        KAFKA,
        version=3,
        topic_partitions=7,
        producer_linger=0.01,
        broker_session_timeout=20.0,
        processing_guarantee="at_least_once",
        value_serializer="raw",
    )
    assert app.conf.id == "test-v3"
    assert app.topic("t").descriptions[0].partitions == 7
    assert app.conf.producer_linger == 0.01
    assert app.conf.broker_session_timeout == 20.0
    assert app.conf.value_serializer == "raw"


def test_every_setting_of_faust_is_either_kept_or_refused() -> None:
    """A new release of Faust with a new setting is looked at before it is trusted."""
    kept = set()
    for name in Settings.SETTINGS:
        try:
            checked({name: "at_least_once"})
        except Refused:
            continue
        kept.add(name)
    assert kept == KEPT


KEPT = {
    "Event",
    "HttpClient",
    "Monitor",
    "Schema",
    "Serializers",
    "Worker",
    "autodiscover",
    "blocking_timeout",
    "broker_check_crcs",
    "broker_client_id",
    "broker_commit_interval",
    "broker_heartbeat_interval",
    "broker_max_poll_interval",
    "broker_max_poll_records",
    "broker_request_timeout",
    "broker_session_timeout",
    "consumer_connections_max_idle_ms",
    "consumer_max_fetch_size",
    "consumer_metadata_max_age_ms",
    "debug",
    "id_format",
    "key_serializer",
    "logging_config",
    "loghandlers",
    "origin",
    "processing_guarantee",
    "producer_compression_type",
    "producer_connections_max_idle_ms",
    "producer_linger",
    "producer_linger_ms",
    "producer_max_batch_size",
    "producer_max_request_size",
    "producer_metadata_max_age_ms",
    "producer_partitioner",
    "producer_request_timeout",
    "timezone",
    "topic_partitions",
    "value_serializer",
    "version",
    "worker_redirect_stdouts",
    "worker_redirect_stdouts_level",
}


PUBLIC = {  # what each public method of a Faust application is here
    **dict.fromkeys(["Table", "GlobalTable", "SetTable", "SetGlobalTable"], "refused"),
    **dict.fromkeys(["page", "table_route", "topic_route", "web_server"], "refused"),
    **dict.fromkeys(["LiveCheck", "start_client", "maybe_start_client", "commit"], "refused"),
    **dict.fromkeys(["task", "timer", "crontab", "service", "command", "is_leader"], "works"),
    **dict.fromkeys(["topic", "channel", "agent", "actor", "send", "stream"], "works"),
    **dict.fromkeys(["main", "discover", "finalize", "config_from_object"], "works"),
    **dict.fromkeys(["create_event", "Worker"], "works"),
    **dict.fromkeys(["FlowControlQueue", "trace", "traced"], "works"),
    **dict.fromkeys(["worker_init", "worker_init_post_autodiscover"], "for Faust's own use"),
    **dict.fromkeys(["on_webserver_init"], "for Faust's own use"),
    **dict.fromkeys(
        ["on_rebalance_start", "on_rebalance_return", "on_rebalance_end"], "for Faust's own use"
    ),
}


def test_every_public_method_of_fausts_application_has_its_place() -> None:
    """A new release of Faust with a new feature is looked at before anybody calls it in vain."""
    own = {
        name
        for name, member in vars(faust.App).items()
        if not name.startswith("_") and inspect.isfunction(member)
    }
    lifecycle = {name for name in own if name.startswith(("on_start", "on_stop", "on_init"))}
    assert own - lifecycle - {"on_first_start"} == set(PUBLIC)
