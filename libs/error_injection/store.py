"""The rules in the database, for the admin routes."""

from typing import Any

import asyncpg
import msgspec
from litestar.exceptions import HTTPException

from error_injection.rule import Rule, RuleBody
from error_injection.tables import RuleTable

MAX_ID = 2**63 - 1


class RuleStore:
    """Create, read, replace and delete in one service's table. Raises what the driver raises,
    and HTTPException 409 for a second rule of the same endpoint and method, or topic."""

    def __init__(self, table: type[RuleTable]) -> None:
        self._table = table

    async def all(self) -> list[Rule]:
        """Every rule, by id."""
        rows = await self._table.select().order_by(self._table.id)
        return [_rule(row) for row in rows]

    async def get(self, rule_id: int) -> Rule | None:
        """One rule, or None."""
        return _one(await self._table.select().where(self._table.id == rule_id))

    async def add(self, body: RuleBody) -> Rule:
        """A new rule, with its id."""
        row = self._table(**msgspec.structs.asdict(body))
        try:
            rows = await self._table.insert(row).returning(*self._table.all_columns())
        except asyncpg.UniqueViolationError:
            raise _duplicate() from None
        return _rule(rows[0])

    async def replace(self, rule_id: int, body: RuleBody) -> Rule | None:
        """The rule with all of its fields as given, or None if there is none with that id."""
        values: dict[Any, Any] = dict(msgspec.structs.asdict(body))
        change = self._table.update(values).where(self._table.id == rule_id)
        try:
            return _one(await change.returning(*self._table.all_columns()))
        except asyncpg.UniqueViolationError:
            raise _duplicate() from None

    async def remove(self, rule_id: int) -> bool:
        """Whether there was such a rule."""
        gone = self._table.delete().where(self._table.id == rule_id).returning(self._table.id)
        return bool(await gone)


def _one(rows: list[dict[str, Any]]) -> Rule | None:
    return _rule(rows[0]) if rows else None


def _rule(row: dict[str, Any]) -> Rule:
    return msgspec.convert(row, Rule)


def _duplicate() -> HTTPException:
    return HTTPException(
        status_code=409, detail="There is a rule for that endpoint and method, or topic, already."
    )
