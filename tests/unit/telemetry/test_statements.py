"""What a span says about a statement: low-cardinality names, and no values."""

import pytest

from telemetry.database.statements import MAX_TEXT, Server, Statement, describe

SERVER = Server("db.test", 5432, "books")


def described(text: str, *, has_parameters: bool = False) -> Statement:
    statement = describe(text, SERVER, has_parameters=has_parameters)
    assert statement is not None
    return statement


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("SELECT * FROM books WHERE id = $1", "SELECT books"),
        ("select 1", "SELECT"),
        (
            "INSERT INTO backend.books (a) VALUES ($1) ON CONFLICT DO NOTHING",
            "INSERT backend.books",
        ),
        ('UPDATE ONLY "books" SET a = $1', "UPDATE books"),
        ("DELETE FROM books WHERE id IN (SELECT id FROM others)", "DELETE books"),
        ("-- why\n/* and\nhow */ SELECT 1 FROM a", "SELECT a"),
        ("WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x", "INSERT b"),
        ("WITH x AS (SELECT (1) FROM a) SELECT * FROM x", "SELECT x"),
        ("(SELECT * FROM a) UNION (SELECT * FROM b)", "SELECT a"),
        ("SELECT count(*) FROM (SELECT 1 FROM a) t", "SELECT"),
        ("SELECT ' FROM lies'", "SELECT"),
        ("COPY books TO STDOUT", "COPY books"),
        ("COPY (SELECT 1 FROM a) TO STDOUT", "COPY"),
        ("CREATE TABLE a (b int)", "CREATE"),
        ("COMMIT;", "COMMIT"),
        ("ROLLBACK", "ROLLBACK"),
        ("", "UNKNOWN"),
        ("'", "UNKNOWN"),
    ],
)
def test_a_span_is_named_by_operation_and_table(text: str, name: str) -> None:
    assert described(text).name == name


@pytest.mark.parametrize("text", ["BEGIN;", "begin isolation level serializable", "SAVEPOINT a"])
def test_what_waits_for_no_disk_has_no_span(text: str) -> None:
    assert describe(text, SERVER, has_parameters=False) is None


def test_attributes_are_those_of_the_stable_conventions() -> None:
    text = "SELECT title FROM books WHERE id = $1"
    assert described(text, has_parameters=True).attributes == {
        "db.system.name": "postgresql",
        "db.namespace": "books",
        "db.collection.name": "books",
        "db.operation.name": "SELECT",
        "db.query.summary": "SELECT books",
        "db.query.text": text,
        "server.address": "db.test",
        "server.port": 5432,
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SELECT 'it''s', 12, 1.5e3, col1, $1", "SELECT ?, ?, ?, col1, $1"),
        (r"SELECT E'\'secret', date'2020-01-01'", "SELECT ?, date?"),
        ("SELECT $$secret$$, $a$ $$ secret $a$", "SELECT ?, ?"),
        ("SELECT 'never closed, secret", "SELECT ?"),
        ('SELECT "a 1" FROM b -- 5', 'SELECT "a 1" FROM b -- 5'),
    ],
)
def test_literals_are_left_out_of_a_text_without_parameters(text: str, shown: str) -> None:
    assert described(text).attributes["db.query.text"] == shown


def test_a_long_text_is_cut_after_its_literals_are_gone() -> None:
    text = "INSERT INTO a VALUES ('" + "secret " * MAX_TEXT + "')"
    assert described(text).attributes["db.query.text"] == "INSERT INTO a VALUES (?)"
    rows = "INSERT INTO a VALUES " + ", ".join(["($1)"] * MAX_TEXT)
    shown = described(rows, has_parameters=True).attributes["db.query.text"]
    assert isinstance(shown, str)
    assert len(shown) == MAX_TEXT
