"""The table of error injection's rules: bookapp's own, in the shape that the library gives it."""

from error_injection import RuleTable
from error_injection.tables import TABLE


class ErrorInjectionConfig(RuleTable, tablename=TABLE):
    """Rules for bookapp's endpoints."""
