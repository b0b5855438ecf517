"""The admin's token: which ones can work, and what is said when there is none."""

import logging

logger = logging.getLogger(__name__)


def check_admin_token(token: str | None) -> None:
    """Refuse a token that no client could send as it is: a header is ASCII.

    Raises:
        ValueError: names the variable and what it takes.
    """
    if token is not None and not (token.isascii() and token.isprintable()):
        raise ValueError("ADMIN_TOKEN takes printable ASCII characters")


def say_when_open(token: str | None) -> None:
    """Say at the start, in one line, when the routes ask for no token."""
    if token is None:
        logger.warning(
            "/error-injection is open to whoever reaches this service: set ADMIN_TOKEN to close it"
        )
