"""What is in the outbox gets to Kafka: whole, in order, once each when nothing fails."""

import asyncpg


async def empty(sql: asyncpg.Connection) -> bool:
    return await sql.fetchval("SELECT count(*) FROM outbox WHERE parked_at IS NULL") == 0


async def test_what_was_committed_is_sent_and_its_row_removed(
    make_relay, broker_url, add, sql, read_topic, poll_until=None
) -> None:
    relay = make_relay(broker_url)
    await relay.start()
    await add((b"1", b"one"), (b"2", b"two"))
    records = await read_topic(2)
    assert {(r.key, r.value) for r in records} == {(b"1", b"one"), (b"2", b"two")}
