"""The ways to serve the same routes, and how each is started.

A variant is bookapp (untraced, stock wiring, ours) or the FastAPI peer (untraced, traced), with
one or two uvicorn workers. backend runs beside bookapp, because a list needs its details and an
add its consumer; the peer gets the machine to itself, and its adds wait for Kafka.
"""

import contextlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from loadtest.bench.parts import Parts, Sink

from embedded.ports import free_port
from embedded.processes import Process

BOOKAPP = "bookapp.app:app"
STOCK = "loadtest.bench.stock:app"
PEER = "loadtest.bench.peers.fastapi_books:app"
BACKEND = ["faust", "-A", "backend.app", "worker"]
UNTRACED = {"OTEL_SDK_DISABLED": "true"}


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One way to serve the same routes. `stock` and `traced` say how it is observed."""

    name: str
    app: str = BOOKAPP
    traced: bool = True
    stock: bool = False

    @property
    def peer(self) -> bool:
        """Whether it is somebody else's stack."""
        return self.app == PEER

    @property
    def service(self) -> str:
        """What it calls itself in its spans."""
        return "peer-fastapi" if self.peer else "bookapp"


OURS = Variant(name="ours")
OURS_UNTRACED = Variant(name="ours, untraced", traced=False)
FASTAPI = Variant(name="FastAPI", app=PEER)
VARIANTS = (
    OURS_UNTRACED,
    OURS,
    FASTAPI,
    Variant(name="ours, stock wiring", app=STOCK, stock=True),
    Variant(name="FastAPI, untraced", app=PEER, traced=False),
)
"""In the order in which they take turns: a machine's speed drifts, so what is compared is near."""


class Running:
    """A variant that serves, and the process trees that its requests keep busy."""

    def __init__(self, url: str, backend_url: str, pids: dict[str, int]) -> None:
        self.url, self.backend_url, self.pids = url, backend_url, pids


def observed(variant: Variant, sink: Sink | None) -> dict[str, str]:
    """The environment that makes a variant's processes export to the sink, or to nobody."""
    if sink is None:
        return {} if variant.peer else UNTRACED
    return {**sink.environment, "TELEMETRY_HTTP": "stock"} if variant.stock else sink.environment


@contextlib.contextmanager
def running(
    parts: Parts,
    variant: Variant,
    sink: Sink | None,
    *,
    workers: int = 1,
    backend: bool = True,
    env: Mapping[str, str] | None = None,
    sampled: Path | None = None,
) -> Iterator[Running]:
    """Start a variant, and backend beside it when it is ours; `env` goes to both.

    With `sampled`, the variant writes there where its time goes (`loadtest.bench.sampled`).
    """
    port, backend_port = free_port(), free_port()
    backend_url, url = f"http://127.0.0.1:{backend_port}", f"http://127.0.0.1:{port}"
    common = {**observed(variant, sink), **(env or {})}
    pids = parts.pids | ({"sink": sink.process.pid} if sink else {})
    with contextlib.ExitStack() as stack:
        if backend and not variant.peer:
            pids["backend"] = stack.enter_context(
                parts.program(
                    "backend",
                    BACKEND,
                    {**common, "BACKEND_PORT": str(backend_port)},
                    f"{backend_url}/health/ready",
                )
            ).pid
        name = variant.service
        command = ["bookapp"] if variant.app == BOOKAPP else ["uvicorn", variant.app]
        command += ["--port", str(port), "--workers", str(workers)]
        if sampled is not None:
            command = [sys.executable, "-m", "loadtest.bench.sampled", str(sampled), *command]
        server: Process = stack.enter_context(
            parts.program(
                variant.name,
                command,
                {**common, "BACKEND_URL": backend_url},
                f"{url}{'/openapi.json' if variant.peer else '/health/ready'}",
            )
        )
        pids[name] = server.pid
        yield Running(url, backend_url, pids)
