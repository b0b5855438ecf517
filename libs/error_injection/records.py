"""Records that fail or wait because a rule names their topic.

Whether a record fails is drawn from its event id and the rule's id: every attempt at it, by any
process, meets the same fate, so a rate below 1 fails some records for good, or holds them up until
the rule changes, instead of letting a retry through.
"""

import asyncio
import hashlib
from collections.abc import Callable
from uuid import UUID

from error_injection.reporting import report
from error_injection.rule import Rule
from error_injection.rules import Rules


class RecordInjection:
    """The hook before a record's handler. ``fatal`` and ``passing`` make the exceptions by which
    the consumer tells a failure for good from one to retry."""

    def __init__(
        self,
        rules: Rules,
        *,
        fatal: Callable[[str], Exception],
        passing: Callable[[str], Exception] = ConnectionError,
    ) -> None:
        self._rules = rules
        self._fatal = fatal
        self._passing = passing

    async def before(self, event_id: UUID, topic: str) -> None:
        """Returns, at once or after the rule's delay, or raises what the rule asks for."""
        rule = self._rules.topic(topic)
        if rule is None:
            return
        failed = is_drawn(rule, event_id)
        if failed or rule.delay_ms:
            report(rule, failed=failed)
        if rule.delay_ms:
            await asyncio.sleep(rule.delay_ms / 1000)
        if failed:
            make = self._fatal if rule.fatal else self._passing
            raise make(f"{rule.error_message} (injected by rule {rule.id})")


def is_drawn(rule: Rule, event_id: UUID) -> bool:
    """Whether the record is among the ``error_rate`` of all that the rule fails."""
    digest = hashlib.blake2b(event_id.bytes, digest_size=8, salt=rule.id.to_bytes(16)).digest()
    # 53 bits: a float holds them exactly, so that a rate of 1 takes all and 0 none.
    return (int.from_bytes(digest) >> 11) / (1 << 53) < rule.error_rate
