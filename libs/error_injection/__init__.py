"""Failures and delays on purpose, in a running service, by rules that change at run time.

A service mounts three things: the admin routes (``error_injection_routes``), the middleware
(``injection_middleware``) or the hook for records (``RecordInjection``), and the rules held in
memory (``Rules``), over a table of its own (``RuleTable``, and
``migration`` for its creation).

Promises: a request's path never asks the database and, without rules, pays one attribute look-up;
a change takes effect in every process within a second; the admin routes, health and documentation
cannot be injected; what was injected says so in its response, span, log line and metric.
"""

from error_injection.middleware import HEADER, injection_middleware
from error_injection.migration import constrain_rules_table, create_rules_table
from error_injection.records import RecordInjection
from error_injection.routes import error_injection_routes
from error_injection.rule import Rule, RuleBody
from error_injection.rules import Rules
from error_injection.store import RuleStore
from error_injection.tables import RuleTable
from error_injection.token import check_admin_token, say_when_open

__all__ = [
    "HEADER",
    "RecordInjection",
    "Rule",
    "RuleBody",
    "RuleStore",
    "RuleTable",
    "Rules",
    "check_admin_token",
    "constrain_rules_table",
    "create_rules_table",
    "error_injection_routes",
    "injection_middleware",
    "say_when_open",
]
