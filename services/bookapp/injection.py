"""Failures on purpose in bookapp: rules for its endpoints."""

from litestar import Router

from contracts.problems import documented
from error_injection import RuleStore, RuleTable, error_injection_routes
from error_injection.tables import TABLE


class ErrorInjectionConfig(RuleTable, tablename=TABLE):
    """Rules for bookapp's endpoints."""


def admin_routes(admin_token: str | None) -> Router:
    """/error-injection, which asks for the token when there is one."""
    return error_injection_routes(
        RuleStore(ErrorInjectionConfig), admin_token=admin_token, documented=documented
    )
