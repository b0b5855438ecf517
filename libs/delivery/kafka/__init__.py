"""Kafka as this library uses it; of sending and receiving it knows nothing.

- ``app``, ``settings``, ``oauth``: an application that knows its Kafka, and how to sign in to it
- ``topics``, ``declared``: topics are created, and compared with what was declared
- ``availability``, ``remedies``: whether Kafka answers, why not, and what an operator has to do
- ``records``: where a record came from
- ``clients``: aiokafka's producer and consumer, without what would lose or hide records
"""
