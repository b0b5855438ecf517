"""The table of dead letters: what it is, and what fills it, is ``delivery.dead_letters``."""

from typing import Final

from piccolo.table import Table

from delivery.dead_letters.table import DeadLetterColumns

TABLE: Final = "backend.dead_letter"


class DeadLetterRow(DeadLetterColumns, Table, tablename="dead_letter", schema="backend"):
    """One record that was given up, and what was done about it."""
