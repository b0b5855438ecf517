"""Faust's settings, passed through ``create_app``, and those that would break a promise.

A setting that does nothing here is refused as well: nobody is to believe in it.
"""

from collections.abc import Mapping
from typing import Any, Final

from faust.types.settings import Settings

from delivery.refused import Refused

_KAFKA: Final = "Kafka's address and credentials are KafkaSettings', from the environment"
_TABLES: Final = "there are no tables here: keep the state in your database"
_WEB: Final = "Faust's web server is off: serve HTTP from a service in app.before_kafka"
_REPLIES: Final = "there are no replies here: send to a topic"
_STREAM: Final = "an agent's records are acknowledged once their effect is durable, and not before"
_ACKS: Final = "a record counts as sent once every replica has it"
_TOPICS: Final = "topics are created with their own settings, when Kafka is first reached"
_ASSIGNMENT: Final = "partitions are assigned by Kafka's own assignors"

# Faust's name of a setting, or the beginning of several, and why it is not to be set.
_REFUSED: Final[Mapping[str, str]] = {
    "id": "the first argument of create_app, or KAFKA_GROUP_ID, is the application's id",
    "broker": _KAFKA,
    "broker_consumer": _KAFKA,
    "broker_producer": _KAFKA,
    "broker_credentials": _KAFKA,
    "ssl_context": _KAFKA,
    "url": _KAFKA,
    "producer_acks": _ACKS,
    "producer_threaded": "records of one key keep their order in one producer",
    "producer_api_version": "the client finds out by itself",
    "consumer_api_version": "the client finds out by itself",
    "broker_api_version": "the client finds out by itself",
    "broker_commit_every": "set broker_commit_interval: commits are timed, not counted",
    "broker_commit_livelock_soft_timeout": "set KAFKA_STOP_TIMEOUT; lag and retries are metrics",
    "broker_rebalance_timeout": "it follows KAFKA_STOP_TIMEOUT",
    "consumer_auto_offset_reset": "a new group reads from the beginning, or it would skip records",
    "consumer_group_instance_id": "set KAFKA_GROUP_INSTANCE_ID: each worker has another",
    "stream_": _STREAM,
    "agent_supervisor": "an agent that fails gets its record again, by the retry policy",
    "topic_allow_declare": _TOPICS,
    "topic_disable_leader": "the leader has a topic of its own, see delivery.worker.leader",
    "topic_replication_factor": "it is the broker's default; app.topic(..., replicas=) sets one's",
    "table_": _TABLES,
    "store": _TABLES,
    "store_check_exists": _TABLES,
    "TableManager": _TABLES,
    "recovery_consistency_check": _TABLES,
    "aerospike_": _TABLES,
    "crash_app_on_aerospike_exception": _TABLES,
    "datadir": _TABLES,
    "tabledir": _TABLES,
    "Table": _TABLES,
    "SetTable": _TABLES,
    "GlobalTable": _TABLES,
    "SetGlobalTable": _TABLES,
    "reply_": _REPLIES,
    "web": _WEB,
    "cache": _WEB,
    "canonical_url": _WEB,
    "Router": _WEB,
    "PartitionAssignor": _ASSIGNMENT,
    "LeaderAssignor": _ASSIGNMENT,
    "ConsumerScheduler": "partitions do not wait for each other",
    "Agent": "agents are this library's, or nothing of what they promise would hold",
    "Stream": "streams are this library's, or nothing of what they promise would hold",
    "Topic": "topics are this library's, or nothing of what they promise would hold",
    "env_prefix": "settings are read once, where the application is made, and passed down",
    "cython_optimizations": "streams are this library's",
}


def checked(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings, if each is one of Faust's that an application of this library can keep.

    Raises:
        Refused: names the setting and why, in one line.
    """
    for name, value in settings.items():
        if name == "processing_guarantee":
            if str(getattr(value, "value", value)) != "at_least_once":
                raise Refused(
                    "processing_guarantee: records are delivered at least once; make the effect"
                    " bear a repeat, as an upsert guarded by a sequence does"
                )
            continue
        if name not in Settings.SETTINGS and name not in ("id", "monitor"):
            raise Refused(f"{name}: Faust has no setting of this name")
        reason = _REFUSED.get(name) or next(
            (why for start, why in _REFUSED.items() if start[-1] == "_" and name.startswith(start)),
            _WEB if name.startswith("web_") else None,
        )
        if reason is not None:
            raise Refused(f"{name}: {reason}")
    return settings
