"""From a transaction to an effect, over Kafka, with nothing lost in between.

- ``sending``: a record is written in the caller's transaction and published under a lease
- ``receiving``: Faust's agents, with retry, circuit, dead letter and commit around their bodies
- ``kafka``: Faust's application and transport with the guarantees that both need
- ``dead_letters``: what a dead letter is, where they are listed, the way back
- ``replay``: read a topic again, for debugging or to make a read model anew
- ``postgres``: pools, transactions, errors; ``postgres.migrations``, ``postgres.queries``
- ``topics``: what is known of a topic; ``worker``: what a worker has beside its agents

Nothing here knows what the records mean.
"""
