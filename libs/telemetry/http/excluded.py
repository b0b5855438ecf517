"""Requests that nobody wants to hear of: an orchestrator's, every few seconds, for health."""

from collections.abc import Collection

from telemetry.http.asgi import ASGIApp, Receive, Scope, Send
from telemetry.reporting import unreported


def quiet(app: ASGIApp) -> ASGIApp:
    """``app``, with nothing that it logs during a request reported to Sentry."""

    async def unheard(scope: Scope, receive: Receive, send: Send) -> None:
        with unreported():
            await app(scope, receive, send)

    return unheard


def path_of(scope: Scope) -> str:
    """The path as the application knows it: without the prefix under which a proxy serves it."""
    path: str = scope["path"]
    prefix: str = scope.get("root_path") or ""
    return path.removeprefix(prefix) if prefix and path.startswith(f"{prefix}/") else path


def excluding(traced: ASGIApp, app: ASGIApp, paths: Collection[str]) -> ASGIApp:
    """``traced`` for requests, ``app`` for all that is none; and quietly for these paths."""
    excluded, unheard = frozenset(paths), quiet(app)

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
        elif path_of(scope) in excluded:
            await unheard(scope, receive, send)
        else:
            await traced(scope, receive, send)

    return choose
