"""The table of the rules. Each service has its own: a subclass that says where.

    class ErrorInjectionConfig(RuleTable, tablename=TABLE):
        ...

It belongs in the service's ``table_classes``, and is created by migrations of the service (see
``migration``).
"""

from typing import Final

from piccolo.columns import BigSerial, Boolean, DoublePrecision, Integer, Text
from piccolo.table import Table

TABLE: Final = "error_injection_config"


class RuleTable(Table):
    """The columns of a rule. Either ``endpoint_pattern`` and ``http_method`` are set, or ``topic``;
    what is allowed, and what is unique, is in the table's constraints."""

    id = BigSerial(primary_key=True)
    endpoint_pattern = Text(null=True, default=None)
    http_method = Text(null=True, default=None)
    topic = Text(null=True, default=None)
    error_rate = DoublePrecision(default=0.0)
    error_code = Integer(default=500)
    error_message = Text(default="")
    enabled = Boolean(default=True)
    delay_ms = Integer(default=0)
    fatal = Boolean(default=True)
