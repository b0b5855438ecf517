"""aiokafka's clients, without what would lose or hide records.

- ``producer``: sends once and for good; ``publishing``: sends again what was sent before
- ``group``: a member of a consumer group, with no record handed over twice around a rebalance
- ``static``: one of several members of one name, by Kafka's own rule
- ``positions``: where reading goes on when the group's place is not there any more
- ``exact``, ``quiet``: any record that Kafka can hold, and a log that stays readable
"""
