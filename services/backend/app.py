"""The composition root: settings from the environment, and every part made and joined, once.

    faust -A backend.app worker

One process: an HTTP API and a consumer, each of which goes on while the other cannot.
"""

import os
import sys
from collections.abc import Mapping
from functools import partial

from backend import dead_letters
from backend.api import create_api
from backend.api.store import CatalogueStore
from backend.commands import Parts, add_commands
from backend.database import create_database
from backend.ingestion import IgnoredChanges, Ingestion, catalogue_agent
from backend.injection import ErrorInjectionConfig, admin_routes, failing_records
from backend.readiness import Readiness
from backend.settings import Settings
from contracts.conventions import Conventions
from contracts.health import PATHS
from contracts.topics import BOOK_INGESTION_DLQ
from delivery.application import App, create_app
from delivery.dead_letters.indexer import index_dead_letters
from delivery.kafka.settings import KafkaSettings
from delivery.postgres import unavailable
from delivery.receiving import RetryPolicy
from delivery.worker.commands import asks_for_help
from delivery.worker.parts import Part
from error_injection import Rules, injection_middleware, say_when_open
from serving import Front
from serving.service import HttpServer
from telemetry import (
    SettingsError,
    configure,
    garbage,
    read_settings,
    read_telemetry_settings,
)
from telemetry.http import instrument, record_exception

NAME = "backend"
STOP_WAIT = 3.0
"""Seconds that what still uses the database gets at a stop."""


def build(environ: Mapping[str, str]) -> App:
    """The worker of this environment. Raises SettingsError; connects to nothing yet."""
    settings = read_settings(Settings, environ)
    kafka = read_settings(KafkaSettings, environ)
    observed = read_telemetry_settings(environ, NAME)
    telemetry = configure(observed)

    worker = create_app(NAME, kafka)

    database = create_database(settings)
    rules = Rules(ErrorInjectionConfig, database.engine.connect)
    catalogue = catalogue_agent(
        worker,
        Ingestion(database.pool, ignored=IgnoredChanges()),
        failing_records(rules),
        RetryPolicy(undecodable_rate=settings.dead_letter_rate),
    )
    index_dead_letters(worker, BOOK_INGESTION_DLQ, dead_letters.table(), database.pool)
    api = create_api(
        CatalogueStore(),
        Readiness(database, catalogue),
        Conventions(unavailable, record_exception),
        require_database=database.pool,
        routes=[admin_routes(settings.admin_token)],
        middleware=[injection_middleware(rules)],
    )
    worker.before_kafka += [
        Part(stop=telemetry.shutdown),
        Part(database.open, partial(database.close, STOP_WAIT)),
        HttpServer(
            instrument(Front(api, hosts=settings.hosts), observed, PATHS),
            settings.backend_host,
            settings.backend_port,
            prefix="BACKEND",
        ),
        Part(database.prepare),
        Part(partial(say_when_open, settings.admin_token)),
        Part(rules.start, rules.stop),
        Part(garbage.settle),  # the last to start: what there is now, stays
    ]
    add_commands(Parts(kafka, database.engine, telemetry))
    return worker


try:
    app = build(os.environ)
except SettingsError as error:
    if not asks_for_help(sys.argv):
        raise SystemExit(f"{NAME}: {error}") from None
    app = build({"DATABASE_URL": "postgresql://localhost/", "OTEL_SDK_DISABLED": "true"})
