"""The doors: TLS and passwords on the way to Kafka and PostgreSQL, and the admin's token.

A real Kafka that wants TLS and SCRAM, a real PostgreSQL that wants TLS, with certificates of the
test's own. What is refused is said soon, in one line that names the reason and holds no secret.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from embedded.native.certificates import Certificate, self_signed
from embedded.native.kafka import Kafka
from embedded.native.postgres import tls_postgres
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.services import bare_environment
from embedded.waiting import wait_until

KAFKA_PASSWORD = "kafka-s3cret"
WRONG = "wr0ng-s3cret"
TOKEN = "t0ken-s3cret"
SAID_WITHIN = 15.0
"""Seconds from the start of a service to the line that says what is refused; it takes 2."""

SERVICES = ("bookapp", "backend")


class Doors(msgspec.Struct, frozen=True):
    """What is behind them, and the keys."""

    kafka: Kafka
    postgres: Postgres
    own: Certificate
    stranger: Certificate
    database_url: str

    def database(self, *, trust: Certificate | None = None, password: str | None = None) -> str:
        """The address of the database; with whom to trust, and the password, as they should be."""
        trusted = trust or self.own
        url = f"{self.database_url}?sslmode=verify-full&sslrootcert={trusted.certificate}"
        right = urlsplit(url).password
        assert right is not None
        return url.replace(right, password or right)

    def environment(self, **changes: str) -> dict[str, str]:
        """A service's environment: everything right but for the changes."""
        return {
            "DATABASE_URL": self.database(),
            "KAFKA_BROKER_URL": self.kafka.urls["SASL_SSL"],
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "KAFKA_SASL_USERNAME": "books",
            "KAFKA_SASL_PASSWORD": KAFKA_PASSWORD,
            "KAFKA_SSL_CAFILE": str(self.own.certificate),
            "ADMIN_TOKEN": TOKEN,
            **changes,
        }

    def secrets(self) -> list[str]:
        return [KAFKA_PASSWORD, WRONG, TOKEN, str(urlsplit(self.database_url).password)]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    directory = tmp_path_factory.mktemp("certificates")
    own, stranger = self_signed(directory, "own"), self_signed(directory, "stranger")
    properties = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(own.both),
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
    }
    scram = ["--add-scram", f"SCRAM-SHA-512=[name=books,password={KAFKA_PASSWORD}]"]
    with (
        Kafka(properties=properties, listeners={"SASL_SSL": 0}, format_arguments=scram) as kafka,
        tls_postgres(own) as postgres,
    ):
        yield Doors(kafka, postgres, own, stranger, postgres.create_database("doors"))


class Service:
    """bookapp or backend as a process, and its API."""

    def __init__(self, run: Any, name: str, env: Mapping[str, str], ready: bool) -> None:
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        command, own = {
            "bookapp": (["bookapp", "--port", str(port)], {}),
            "backend": (["faust", "-A", "backend.app", "worker"], {"BACKEND_PORT": str(port)}),
        }[name]
        answers = f"{url}/health/{'ready' if ready else 'live'}"
        self.process: Process = run(command, {**env, **own}, ready=answers, name=name, timeout=60)
        self.url = url

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return httpx.request(method, self.url + path, timeout=10, trust_env=False, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("GET", path, **options)


def command(arguments: list[str], env: Mapping[str, str]) -> tuple[int, list[str], float]:
    """Run an operator's command: exit status, lines of its output, seconds."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**bare_environment(os.environ), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return done.returncode, lines, time.monotonic() - started


REPLAY = ["faust", "-A", "backend.app", "replay", "--limit", "1"]
LIST = ["faust", "-A", "backend.app", "dead-letters", "list"]


def test_everything_works_through_the_doors(doors: Doors, run_service: Any) -> None:
    backend = Service(run_service, "backend", doors.environment(), ready=True)
    bookapp_env = doors.environment(BACKEND_URL=backend.url)
    bookapp = Service(run_service, "bookapp", bookapp_env, ready=True)
    added = bookapp.ask("POST", "/books/add", json={"title": "Doors", "author": "A Smith"})
    assert added.status_code == 201
    there = f"/books/{added.json()}"
    wait_until(lambda: backend.get(there).status_code == 200, 30, what="the ingestion")

    connected = doors.postgres.execute(
        "SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)"
        " WHERE datname = 'doors' AND application_name <> 'psql'",
        "doors",
    )
    count, encrypted = connected.split("|")
    assert int(count) >= 2
    assert encrypted == "t"

    for arguments in (REPLAY, LIST):
        status, lines, _ = command(arguments, doors.environment())
        assert status == 0, lines
    said = "\n".join(backend.process.lines + bookapp.process.lines + lines)
    assert not [secret for secret in doors.secrets() if secret in said]


def wrong(doors: Doors, what: str) -> dict[str, str]:
    """An environment in which one thing is wrong."""
    changes = {
        "Kafka's password": {"KAFKA_SASL_PASSWORD": WRONG},
        "Kafka's certificate": {"KAFKA_SSL_CAFILE": str(doors.stranger.certificate)},
        "PostgreSQL's password": {"DATABASE_URL": doors.database(password=WRONG)},
        "PostgreSQL's certificate": {"DATABASE_URL": doors.database(trust=doors.stranger)},
    }[what]
    return doors.environment(**changes)


REASONS = {
    "Kafka's password": r"Authentication failed",
    "Kafka's certificate": r"certificate verify failed",
    "PostgreSQL's password": r"password authentication failed",
    "PostgreSQL's certificate": r"certificate verify failed",
}


@pytest.mark.parametrize("what", REASONS)
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_in_one_line_what_is_refused(
    doors: Doors, run_service: Any, name: str, what: str
) -> None:
    started = time.monotonic()
    service = Service(run_service, name, wrong(doors, what), ready=False)
    service.process.wait_for_line(REASONS[what], SAID_WITHIN)
    assert time.monotonic() - started < SAID_WITHIN

    part = what.partition("'")[0]
    if name == "backend" or part == "PostgreSQL":  # bookapp is ready without Kafka
        wait_until(
            lambda: part in service.get("/health/ready").text, 10, what=f"{part} in /health/ready"
        )
        readiness = service.get("/health/ready")
        assert readiness.status_code == 503
    assert service.get("/health/live").status_code == 200

    # A few more attempts are no more lines.
    attempts = time.monotonic() + 3
    wait_until(lambda: time.monotonic() > attempts, 5)
    lines = [line for line in service.process.lines if re.search(REASONS[what], line)]
    assert len(lines) == 1, lines
    said = "\n".join([*service.process.lines, service.get("/health/ready").text])
    assert not [secret for secret in doors.secrets() if secret in said]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["bookapp.migrate"], "PostgreSQL's password"),
        (["bookapp.migrate"], "PostgreSQL's certificate"),
        (["backend.migrate"], "PostgreSQL's password"),
        (["backend.migrate"], "PostgreSQL's certificate"),
        (LIST, "PostgreSQL's password"),
        (LIST, "PostgreSQL's certificate"),
        (REPLAY, "Kafka's password"),
        (REPLAY, "Kafka's certificate"),
    ],
)
def test_a_command_ends_with_one_line_that_says_what_is_refused(
    doors: Doors, arguments: list[str], what: str
) -> None:
    status, lines, seconds = command(arguments, wrong(doors, what))
    assert status != 0
    assert len(lines) == 1, lines
    assert re.search(REASONS[what], lines[0])
    assert not [secret for secret in doors.secrets() if secret in lines[0]]
    assert seconds < SAID_WITHIN


@pytest.mark.parametrize("name", SERVICES)
def test_the_admins_routes_ask_for_the_token(doors: Doors, run_service: Any, name: str) -> None:
    service = Service(run_service, name, doors.environment(), ready=True)
    wrong_ones = [{}, {"Authorization": f"Bearer {WRONG}"}, {"Authorization": f"Basic {TOKEN}"}]
    for headers in [*wrong_ones, {"Authorization": "Bearer"}, {"Authorization": TOKEN}]:
        for method, path in (
            ("GET", "/error-injection"),
            ("POST", "/error-injection"),
            ("GET", "/error-injection/1"),
            ("PUT", "/error-injection/1"),
            ("DELETE", "/error-injection/1"),
        ):
            answer = service.ask(method, path, headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert answer.headers["content-type"] == "application/problem+json"
            assert not [secret for secret in doors.secrets() if secret in answer.text]
    admin = {"Authorization": f"Bearer {TOKEN}"}
    assert service.get("/error-injection", headers=admin).status_code == 200
    assert service.get("/health/ready").status_code == 200  # asks for none
    assert not [line for line in service.process.lines if TOKEN in line or WRONG in line]


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KAFKA_SSL_CAFILE", "/nowhere.pem"),
        ("KAFKA_SASL_PASSWORD", ""),
        ("KAFKA_SASL_MECHANISM", "GSSAPI"),
        ("DATABASE_URL", f"postgresql://me:{WRONG}@127.0.0.1/db?sslmode=verify-full"),
        ("DATABASE_URL", f"postgresql://me:{WRONG}@127.0.0.1/db?sslrootcert=/nowhere.pem"),
    ],
)
def test_a_setting_that_cannot_work_ends_the_start(
    doors: Doors, name: str, variable: str, value: str
) -> None:
    arguments = {
        "bookapp": ["bookapp", "--port", "0"],
        "backend": ["faust", "-A", "backend.app", "worker"],
    }[name]
    status, lines, _ = command(arguments, doors.environment(**{variable: value}))
    assert status != 0
    assert len(lines) == 1, lines
    assert variable in lines[0]
    assert not [secret for secret in doors.secrets() if secret in lines[0]]
