"""DATABASE_URL: checked before the first connection, and shown without what is secret.

asyncpg takes the URL as it is, so all of libpq's forms work: TCP (`postgresql://user:pw@host/db`),
a Unix socket (`postgresql:///db?host=/run/postgresql`), TLS (`?sslmode=verify-full&sslrootcert=…`).
"""

import ssl
from urllib.parse import parse_qs, unquote, urlsplit

SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def check_url(url: str) -> str:
    """The URL itself when it can be used.

    Raises ValueError with a sentence that says what is wrong and repeats nothing of the URL,
    which may hold a password.
    """
    expected = "expected postgresql://user:password@host:port/database"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError(f"not a database URL: {expected}") from None
    if parts.scheme not in {"postgresql", "postgres"}:
        raise ValueError(f"not a PostgreSQL URL: {expected}")
    behind = parts.path + parts.fragment + ("" if "@" in parts.netloc else parts.query)
    if parts.netloc and "@" in behind:
        # A password that ended the host's part too early: what is left of it must not be shown.
        raise ValueError("/, ? and # in user or password are written %2F, %3F and %23")
    query = parse_qs(parts.query)
    if not parts.netloc and "host" not in query:
        raise ValueError(f"the database URL names no host: {expected}")
    for mode in query.get("sslmode", []):
        if mode not in SSL_MODES:
            raise ValueError(f"sslmode takes one of {', '.join(SSL_MODES)}")
    _check_certificates({name: values[-1] for name, values in query.items()})
    return url


def check_urls(**urls: str | None) -> None:
    """Check each variable's URL that is given. Raises ValueError, whose text names the variable."""
    for variable, url in urls.items():
        if url is not None:
            try:
                check_url(url)
            except ValueError as error:
                raise ValueError(f"{variable}: {error}") from None


def _check_certificates(query: dict[str, str]) -> None:
    """Refuse what would only be noticed, again and again, when connecting."""
    authority = query.get("sslrootcert")
    mode = query.get("sslmode", "prefer")
    if mode.startswith("verify") and authority is None:
        raise ValueError(f"sslmode={mode} needs sslrootcert, the file with whom to trust")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if authority is not None:
            context.load_verify_locations(authority)
        if (certificate := query.get("sslcert")) is not None:
            context.load_cert_chain(certificate, query.get("sslkey"), query.get("sslpassword", ""))
    except OSError as error:  # an SSLError is one
        raise ValueError(
            f"sslrootcert, sslcert and sslkey take readable PEM files: {error.strerror or error}"
        ) from None


def describe(url: str) -> str:
    """`host:port/database` for logs and errors: no user, no password, no options."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    host = parts.hostname or query.get("host", ["localhost"])[0]
    port = parts.port or query.get("port", ["5432"])[0]
    return f"{unquote(host)}:{port}/{unquote(parts.path.lstrip('/'))}"
