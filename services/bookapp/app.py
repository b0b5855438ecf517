"""The composition root: settings from the environment, the parts, and the application of them.

``python -m bookapp``. A wrong setting ends the import with one line and exit status 1. The
process starts and serves whatever is away: without PostgreSQL it is not ready, without Kafka the
outbox fills, without backend books have no details.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx
from httpx_aiohttp import AiohttpTransport
from litestar import Litestar
from litestar.types import ASGIApp

from bookapp.api import create_api
from bookapp.books import idempotency
from bookapp.books.details import DetailsSource
from bookapp.books.store import BookStore
from bookapp.database import create_database
from bookapp.injection import ErrorInjectionConfig, admin_routes
from bookapp.settings import read_all
from contracts.backend_client import Client
from contracts.conventions import Conventions
from contracts.health import PATHS
from contracts.problems import FieldError
from contracts.service_client import ServiceClient
from contracts.topics import BOOK_INGESTION
from delivery.application import create_app
from delivery.postgres import unavailable
from delivery.postgres.recurring import do_now_and_then
from delivery.sending.outbox import Outbox
from delivery.sending.relay import Relay
from error_injection import Rules, injection_middleware, say_when_open
from serving import Front
from telemetry import SettingsError, configure, garbage
from telemetry.client import TracedTransport
from telemetry.http import instrument, record_exception

START_WAIT: Final = 3.0
"""Seconds that the start waits for the database, migrations included, before it serves without."""
KEPT: Final = httpx.Limits(max_connections=100, keepalive_expiry=4.0)
"""Connections to backend; a kept one is closed before backend would (uvicorn: after 5 s)."""
STOP_WAIT: Final = 2.0
"""Seconds that each part gets to end what it is doing: all of them end within ten seconds."""


def build(environ: Mapping[str, str]) -> ASGIApp:
    """The application of this environment. Raises SettingsError."""
    settings, kafka, observed = read_all(environ)
    telemetry = configure(observed)

    database = create_database(settings)
    engine = database.engine
    relay = None
    if kafka.enable_kafka_producer:
        producer = create_app("bookapp", kafka, producer_only=True, topics=[BOOK_INGESTION])
        relay = Relay(engine, producer)
    outbox = Outbox(engine, relay.wake if relay else None)
    transport = TracedTransport(AiohttpTransport(limits=KEPT))
    backend = Client(settings.backend_url)
    backend.set_async_httpx_client(ServiceClient(settings.backend_url, transport))
    details = DetailsSource(backend)

    rules = Rules(ErrorInjectionConfig, engine.connect)

    async def work_beside_requests() -> None:
        """The database, and what waits for it: rules, relay, keys that have had their day."""
        await database.prepare()
        rules.start()
        if relay:
            await relay.start()
        await do_now_and_then(idempotency.expire, idempotency.EXPIRE_EVERY)

    async def readiness() -> list[FieldError]:
        # Kafka and backend are not asked: without them books are still added and read.
        missing = await database.why_unready()
        return [] if missing is None else [FieldError("database", missing)]

    def degraded() -> list[FieldError]:
        trouble = relay.trouble if relay else None
        return [] if trouble is None else [FieldError("relay", trouble)]

    @contextlib.asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        await database.open()
        beside = asyncio.create_task(work_beside_requests())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(database.ready(), START_WAIT)
        garbage.settle()
        say_when_open(settings.admin_token)
        try:
            yield
        finally:  # by now every request has been answered
            beside.cancel()
            await asyncio.gather(beside, return_exceptions=True)
            await rules.stop()
            if relay:
                await relay.stop(STOP_WAIT)
            await details.close()
            await database.close(STOP_WAIT)
            await asyncio.to_thread(telemetry.shutdown, STOP_WAIT)

    api = create_api(
        BookStore(engine, outbox),
        details,
        readiness,
        Conventions(unavailable, record_exception),
        degraded=degraded,
        require_database=database.pool,
        routes=[admin_routes(settings.admin_token)],
        middleware=[injection_middleware(rules)],
        lifespan=[running],
    )
    return instrument(Front(api, hosts=settings.hosts), observed, PATHS)


try:
    app = build(os.environ)
except SettingsError as error:
    raise SystemExit(f"bookapp: {error}") from None
