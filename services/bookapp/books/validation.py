"""What a client may send as a book, and what is said when it is wrong.

A body is decoded by msgspec into fields of any type, and each field is judged here, so that every
wrong field is named in one answer. Fields that we do not know are ignored, whatever they hold.
Titles and authors are kept as they came: blanks around them are the client's business.
"""

import re
from typing import Any, Final, TypeVar

import msgspec
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_413_REQUEST_ENTITY_TOO_LARGE

from contracts.problems import FieldError, field_error, invalid
from contracts.records import MAX_TEXT, BookStatus, why_unusable

MAX_BOOKS: Final = 10_000
"""The most books that one request may add."""

_MAX_ERRORS: Final = 20  # a body of ten thousand wrong books needs no longer answer
_STATUSES: Final = {status.value: status for status in BookStatus}
_TAKES: Final = f"must be one of {', '.join(_STATUSES)}"
_LONE_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")

T = TypeVar("T")


class NewBook(msgspec.Struct, frozen=True):
    """A book to be added; every value fit to be stored."""

    title: str
    author: str
    status: BookStatus


class Change(msgspec.Struct, frozen=True):
    """What a PATCH gives; None is what it leaves alone."""

    title: str | None
    author: str | None
    status: BookStatus | None


class _Incoming(msgspec.Struct):
    title: Any = msgspec.UNSET
    author: Any = msgspec.UNSET
    status: Any = msgspec.UNSET


_one: Final = msgspec.json.Decoder(_Incoming)
_many: Final = msgspec.json.Decoder(list[_Incoming])


def read_book(body: bytes) -> NewBook:
    """The book in the body of an add. Raises Litestar's ValidationException (400)."""
    errors: list[FieldError] = []
    book = _new_book(_decode(_one, body), "", errors)
    if errors:
        raise invalid(errors)
    return book


def read_books(body: bytes) -> list[NewBook]:
    """The books in the body of a bulk add, in order.

    Raises:
        ValidationException: 400, naming the wrong fields, the first twenty of them.
        HTTPException: 413 when there are more than ``MAX_BOOKS``.
    """
    incoming = _decode(_many, body)
    if len(incoming) > MAX_BOOKS:
        raise HTTPException(
            status_code=HTTP_413_REQUEST_ENTITY_TOO_LARGE,
            detail=f"At most {MAX_BOOKS} books are taken at once; these are {len(incoming)}.",
        )
    errors: list[FieldError] = []
    books = []
    for index, item in enumerate(incoming):
        books.append(_new_book(item, f"[{index}].", errors))
        if len(errors) >= _MAX_ERRORS:
            break
    if errors:
        raise invalid(errors[:_MAX_ERRORS])
    return books


def read_change(body: bytes) -> Change:
    """What the body of a PATCH gives. Raises Litestar's ValidationException (400)."""
    incoming = _decode(_one, body)
    errors: list[FieldError] = []
    unset = msgspec.UNSET
    change = Change(
        title=None if incoming.title is unset else _text(incoming.title, "title", errors),
        author=None if incoming.author is unset else _text(incoming.author, "author", errors),
        status=None if incoming.status is unset else _status(incoming.status, "status", errors),
    )
    if errors:
        raise invalid(errors)
    return change


def _new_book(incoming: _Incoming, where: str, errors: list[FieldError]) -> NewBook:
    status = incoming.status
    return NewBook(
        _text(incoming.title, f"{where}title", errors),
        _text(incoming.author, f"{where}author", errors),
        BookStatus.available
        if status is msgspec.UNSET
        else _status(status, f"{where}status", errors),
    )


def _text(value: Any, field: str, errors: list[FieldError]) -> str:
    if value is msgspec.UNSET:
        errors.append(FieldError(field, "is missing"))
    elif not isinstance(value, str):
        errors.append(FieldError(field, f"must be a string, not {_kind(value)}"))
    elif len(value) > MAX_TEXT:
        reason = f"has {len(value)} characters; at most {MAX_TEXT} are taken"
        errors.append(FieldError(field, reason))
    elif unusable := why_unusable(value):
        errors.append(FieldError(field, unusable))
    else:
        return value
    return ""


def _status(value: Any, field: str, errors: list[FieldError]) -> BookStatus:
    # Not casefold(): "lo\u017ft" is no spelling of "lost".
    if isinstance(value, str) and value.isascii() and (status := _STATUSES.get(value.lower())):
        return status
    errors.append(FieldError(field, _TAKES))
    return BookStatus.available


def _kind(value: Any) -> str:
    """What JSON calls it."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case dict():
            return "an object"
        case list():
            return "an array"
        case _:
            return "a number"


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    if not body:
        raise invalid([FieldError("body", "is empty")])
    try:
        return decoder.decode(body)
    except RecursionError:
        raise invalid([FieldError("body", "is nested too deeply")]) from None
    except UnicodeDecodeError:
        raise invalid([FieldError("body", "is not UTF-8")]) from None
    except msgspec.ValidationError as error:
        raise invalid([field_error(error)]) from None
    except msgspec.DecodeError as error:
        # msgspec takes no lone surrogate, and calls some of them truncated input.
        hint = ", or a lone surrogate" if _LONE_SURROGATE.search(body) else ""
        raise invalid([FieldError("body", f"is not JSON{hint}: {error}")]) from None
