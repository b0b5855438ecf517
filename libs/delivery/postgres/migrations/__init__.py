"""Tables that are made, changed and kept in step with the code: each service's at its start, or by
hand.

- ``apply``: what has not been applied yet, by one process of many, all of it or nothing
- ``schema``: the schema that the tables are in
- ``columns``: how a migration says its tables and columns
- ``command``: ``python -m <service>.migrate``
"""

from delivery.postgres.migrations.apply import MigrationError, bind_tables, migrate, pending

__all__ = ["MigrationError", "bind_tables", "migrate", "pending"]
