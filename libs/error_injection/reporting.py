"""What was injected says so: on the current span, in a log line, in a metric."""

import logging
from functools import cache

from opentelemetry import metrics, trace

from error_injection.rule import Rule

logger = logging.getLogger(__name__)

RULE_ATTRIBUTE = "error_injection.rule"
"""Span and log attribute: the rule's id."""


@cache
def _injected() -> metrics.Counter:
    return metrics.get_meter("error_injection").create_counter(
        "error_injection.injected", "{injection}", "Failures and delays that a rule injected"
    )


def report(rule: Rule, *, failed: bool) -> None:
    """A request or record was failed (or only held up) by the rule, just now."""
    trace.get_current_span().set_attribute(RULE_ATTRIBUTE, rule.id)
    if rule.topic is not None:
        labels = {"messaging.destination.name": rule.topic}
        target = rule.topic
    else:
        labels = {
            "http.route": rule.endpoint_pattern or "",
            "http.request.method": rule.http_method or "",
        }
        target = f"{rule.http_method} {rule.endpoint_pattern}"
    _injected().add(1, labels)
    # A server's failure is an error, as it would be if it were real. A record's failure is a
    # warning: it is tried again, and whoever gives it up at last reports that once.
    broken = failed and rule.topic is None and rule.error_code >= 500
    logger.log(
        logging.ERROR if broken else logging.WARNING,
        "injected a %s into %s by rule %d",
        "failure" if failed else "delay",
        target,
        rule.id,
        extra={RULE_ATTRIBUTE: rule.id},
    )
