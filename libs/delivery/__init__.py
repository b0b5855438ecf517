"""From a transaction to an effect, over Kafka, with nothing lost in between.

The sending side: ``outbox`` (a record is written in the caller's transaction), ``relay`` (publishes
what is there, one active per database), ``postgres``. The receiving side: ``consumer`` (a plain
function per record, with retry, dead letter and commit around it), ``faust_app`` and ``transport``
(Faust with the defaults and guarantees that this needs). Both: ``settings``, ``topics``.

Nothing here knows what the records mean.
"""
