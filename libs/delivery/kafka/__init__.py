"""Kafka as this library uses it; of sending and receiving it knows nothing.

- ``app``, ``settings``, ``topics``: an application that knows its Kafka, and creates its topics
- ``availability``: whether Kafka answers, why not, and the wait until it does
- ``producer``: sends once and for good; ``publishing``: sends again what was sent before
- ``group``: aiokafka's consumer, so that no record is handed over twice around a rebalance
- ``exact``, ``quiet``: any record that Kafka can hold, and a log that stays readable
- ``records``: where a record came from
"""
