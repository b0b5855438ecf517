"""What Piccolo's queries lack where they run often, or for many rows.

- ``prepared``: a query built once and run as a prepared statement
- ``rows``: an INSERT of many rows, a column of them an array
- ``ids``: where the ids that PostgreSQL gives go on
"""

from delivery.postgres.queries.ids import raise_ids
from delivery.postgres.queries.prepared import Given, Prepared, any_of, connection_of
from delivery.postgres.queries.rows import InsertRows, excluded

__all__ = [
    "Given",
    "InsertRows",
    "Prepared",
    "any_of",
    "connection_of",
    "excluded",
    "raise_ids",
]
