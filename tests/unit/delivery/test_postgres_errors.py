"""Whose fault each of PostgreSQL's errors is, over all that asyncpg knows."""

import asyncpg
import pytest

from delivery.postgres import DatabaseAway, DatabaseBusy, UnfitDatabase, is_passing, unavailable
from delivery.postgres.retry import ATTEMPTS, retry_conflicts

ERRORS = sorted(
    (
        kind
        for kind in vars(asyncpg.exceptions).values()
        if isinstance(kind, type) and issubclass(kind, asyncpg.PostgresError) and kind.sqlstate
    ),
    key=lambda kind: kind.sqlstate,
)
AWAY = "The database is away; try again."
BUSY = "The database is busy; try again."
IN_THE_WAY = "Other changes were in the way of this one; try again."
LOST = "The connection to the database was lost; try again."

# By class, or by code where it differs from its class. None: the work's own mistake.
SAYS: dict[str, str | None] = {
    "08": AWAY,
    "25": LOST,
    "25006": AWAY,
    "26": LOST,
    "34": LOST,
    "40": IN_THE_WAY,
    "42P03": LOST,
    "42P05": LOST,
    "53": BUSY,
    "55006": BUSY,
    "55P03": BUSY,
    "57": AWAY,
    "57014": BUSY,
}
ALSO_PASSES = {"28", "3D", "3F", "42P01", "42501", "58", "XX"}


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: f"{kind.sqlstate} {kind.__name__}")
def test_an_error_is_the_infrastructures_or_the_works_own(kind: type[Exception]) -> None:
    code = kind.sqlstate
    says = SAYS.get(code, SAYS.get(code[:2]))
    if kind is asyncpg.InvalidCachedStatementError:  # shares its code with what is not supported
        says = LOST
    error = kind("said so")
    assert unavailable(error) == says
    assert is_passing(error) == (says is not None or bool({code, code[:2]} & ALSO_PASSES))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (DatabaseAway("refused"), AWAY),
        (TimeoutError(), AWAY),
        (asyncpg.InterfaceError("connection is closed"), AWAY),
        (asyncpg.InternalClientError("cannot switch to state 12"), AWAY),
        (asyncpg.ProtocolViolationError("server conn crashed?"), AWAY),
        (asyncpg.ProtocolViolationError("query_wait_timeout"), BUSY),
        (asyncpg.ProtocolViolationError("no more connections allowed (max_client_conn)"), BUSY),
        (DatabaseBusy("no connection came free"), BUSY),
        (asyncpg.InterfaceError("another operation is in progress"), None),
        (ValueError("closed"), None),
        (FileNotFoundError("a template"), None),
    ],
)
def test_what_a_client_is_told(error: Exception, says: str | None) -> None:
    assert unavailable(error) == says
    assert is_passing(error) == (says is not None)


def test_an_unfit_database_is_no_records_fault_and_no_passing_failure_to_a_client() -> None:
    assert is_passing(UnfitDatabase("LATIN1"))
    assert unavailable(UnfitDatabase("LATIN1")) is None


@pytest.mark.parametrize(
    ("failures", "calls"), [(0, 1), (2, 3), (ATTEMPTS - 1, ATTEMPTS), (99, ATTEMPTS)]
)
async def test_a_conflict_is_tried_again_so_often_and_no_more(failures: int, calls: int) -> None:
    called = 0

    @retry_conflicts
    async def work(value: str) -> str:
        nonlocal called
        called += 1
        if called <= failures:
            raise asyncpg.DeadlockDetectedError("deadlock detected")
        return value

    if failures < ATTEMPTS:
        assert await work("done") == "done"
    else:
        with pytest.raises(asyncpg.DeadlockDetectedError):
            await work("done")
    assert called == calls


async def test_nothing_else_is_tried_again() -> None:
    called = 0

    @retry_conflicts
    async def work() -> None:
        nonlocal called
        called += 1
        raise asyncpg.UniqueViolationError("twice")

    with pytest.raises(asyncpg.UniqueViolationError):
        await work()
    assert called == 1
