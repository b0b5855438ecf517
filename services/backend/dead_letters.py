"""The table of dead letters: what it is, and what fills it, is ``delivery.dead_letters``."""

from piccolo.table import Table

from delivery.dead_letters.table import DeadLetterColumns


class DeadLetterRow(DeadLetterColumns, Table, tablename="dead_letter"):
    """One record that was given up, and what was done about it."""


def table() -> str:
    """The table's name, in the schema of the service's settings."""
    return DeadLetterRow._meta.get_formatted_tablename()
