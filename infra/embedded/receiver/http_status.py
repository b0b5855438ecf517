"""HTTP status codes with their phrases."""

from http import HTTPStatus


def phrase_of(code: int) -> str:
    """`405 Method Not Allowed`; the code alone where it has no phrase."""
    try:
        return f"{code} {HTTPStatus(code).phrase}"
    except ValueError:
        return str(code)
