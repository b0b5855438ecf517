"""DATABASE_URL and the failures of PostgreSQL, without a server."""

import asyncpg
import certifi
import pytest

from delivery.postgres import DatabaseAway, check_url, create_engine, describe, is_database_away

SECRET = "hunter2"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:pw@db.example:5433/books",
        f"postgres://db.example/books?sslmode=verify-full&sslrootcert={certifi.where()}",
        "postgresql://me%40home:p%2Fw@db.example/books?sslmode=require",
        "postgresql:///books?host=/run/postgresql&user=me@home",
        "postgresql:///books?host=/run/postgresql",
        "postgresql://postgres:@/postgres?host=/tmp/sockets",
        "postgresql://me@h1:5432,h2:5433/books?target_session_attrs=read-write",
        "postgresql://me@h1,h2,h3/books",
        "postgresql://me@[::1]:5433/books",
        "postgresql:///books?host=h1,h2&port=5432,5433",
        "postgresql://%2Frun%2Fpostgresql/books",
    ],
)
def test_every_form_of_libpq_is_taken(url: str) -> None:
    assert check_url(url) == url
    assert create_engine(url).url == url


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "not a PostgreSQL URL"),
        (f"mysql://user:{SECRET}@host/db", "not a PostgreSQL URL"),
        (f"postgresql://user:{SECRET}@host:port/db", "not a database URL"),
        ("postgresql:///db", "names no host"),
        (f"postgresql://user:{SECRET}@host/db?sslmode=yes", "sslmode takes one of disable,"),
        (f"postgresql://user:{SECRET}@host/db?sslmode=verify-full", "needs sslrootcert"),
        (f"postgresql://user:{SECRET}@host/db?sslrootcert=/{SECRET}", "take readable PEM files"),
        (f"postgresql://user:{SECRET}@host/db?sslcert={__file__}", "take readable PEM files"),
        (f"postgresql://user:12/{SECRET}@host/db", "written %2F"),
        (f"postgresql://user:12?{SECRET}@host/db", "written %2F"),
        (f"postgresql://user:12#{SECRET}@host/db", "written %2F"),
        (f"postgresql://user:12@{SECRET}@host/db", "written %40"),
        (f"postgresql://user:{SECRET}@host/db#x", "written %23"),
        (f"postgresql://user:{SECRET}@h1:5432,h2:x/db", "not a database URL"),
        (f"postgresql://user:{SECRET}@h1,h2/db?port=1,2,3", "hosts and ports do not fit"),
        (f"postgresql://user@host/db?{SECRET}", "has no value"),
        (f"postgresql://user@host/db?{SECRET}=1", f"{SECRET} is no parameter of libpq's"),
        (f"postgresql://user@host/db?x{SECRET}%00%3D=1", "a parameter that is none of libpq's"),
        (f"postgresql://host/db?service={SECRET}", "defined in the service file"),
    ],
)
def test_a_wrong_url_is_refused_without_repeating_it(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        create_engine(url)
    assert SECRET not in str(caught.value) or f"?{SECRET}=" in url  # a parameter's name is said


def test_a_url_is_shown_without_user_and_password() -> None:
    assert describe(f"postgresql://user:{SECRET}@db:5433/books?sslmode=require") == "db:5433/books"
    assert describe("postgresql:///books?host=/run/pg") == "/run/pg:5432/books"
    assert describe(f"postgresql://u:{SECRET}@h1,h2:5433/books") == "h1:5432,h2:5433/books"
    assert describe("postgresql:///?host=%2Frun%2Fpg&dbname=books&user=x") == "/run/pg:5432/books"
    assert describe("postgresql://[::1]/books") == "[::1]:5432/books"


@pytest.mark.parametrize(
    "error",
    [
        DatabaseAway("refused"),
        TimeoutError(),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT"),
        asyncpg.InternalClientError("cannot switch to state 12"),
    ],
)
def test_what_passes_when_the_server_is_back_counts_as_away(error: Exception) -> None:
    assert is_database_away(error)


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.UniqueViolationError("duplicate key"),
        asyncpg.UndefinedTableError("relation does not exist"),
        asyncpg.InterfaceError("another operation is in progress"),
        asyncpg.exceptions._base.DataError("invalid input: value out of int64 range; closed"),
        FileNotFoundError("a template"),
        ValueError(),
    ],
)
def test_mistakes_do_not_count_as_away(error: Exception) -> None:
    assert not is_database_away(error)
