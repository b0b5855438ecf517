"""How exceptions are written: recognisable, and without values."""

import asyncpg
import pytest

from telemetry.errors import message_of, stacktrace_of, type_of


def postgres_error(kind: type[asyncpg.PostgresError], text: str, detail: str) -> Exception:
    error = kind(text)
    error.detail = detail
    return error


def test_types_are_qualified_unless_they_are_python_s_own() -> None:
    assert type_of(KeyError("x")) == "KeyError"
    assert type_of(asyncpg.UniqueViolationError("x")) == "asyncpg.exceptions.UniqueViolationError"


def test_a_database_s_details_are_left_out() -> None:
    error = postgres_error(
        asyncpg.CheckViolationError, "new row violates check", "Failing row contains (1, Emma)."
    )
    assert "Emma" in str(error), "asyncpg shows the row"
    assert message_of(error) == "new row violates check"
    assert "Emma" not in stacktrace_of(error)


def test_an_error_about_a_value_is_told_by_its_code_alone() -> None:
    error = asyncpg.InvalidTextRepresentationError('invalid input syntax for integer: "Emma"')
    assert message_of(error) == "SQLSTATE 22P02"


def test_a_stacktrace_has_the_causes_first_and_each_place() -> None:
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise ValueError("outer") from inner
    except ValueError as error:
        text = stacktrace_of(error)
    assert text.index("KeyError: 'inner'") < text.index("direct cause") < text.index("outer")
    assert text.count("Traceback (most recent call last):") == 2
    assert "test_a_stacktrace_has_the_causes_first" in text


def test_a_suppressed_context_is_left_out_and_a_cycle_ends() -> None:
    shown = ValueError("shown")
    shown.__context__ = KeyError("hidden")
    assert "hidden" in stacktrace_of(shown)
    shown.__suppress_context__ = True
    assert "hidden" not in stacktrace_of(shown)
    first, second = ValueError("1"), ValueError("2")
    first.__cause__, second.__cause__ = second, first
    assert "1" in stacktrace_of(first)


def test_a_group_shows_what_is_in_it() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        raise ExceptionGroup("several", [KeyError("one"), OSError("two")])
    assert "    OSError: two" in stacktrace_of(caught.value)
