"""`make chaos`: the promises of delivery, kept or broken, under faults on purpose.

The system runs as in production, several processes of each service on a real Kafka and a real
PostgreSQL, under load. Meanwhile a seeded schedule kills, stops and restarts its parts. A ledger
holds what clients were told; at the end it is compared with the books' table, the topic and the
read model. Everything is observed from outside, by plain clients: nothing of the services' own code
takes part in judging them.
"""
