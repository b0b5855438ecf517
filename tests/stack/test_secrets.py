"""No secret and no request body in anything that the system emits, whatever goes wrong.

Both services run with recognisable secrets and books, at the most talkative log level, on a real
Kafka with passwords; everything that can be provoked goes wrong. Then all that came out is looked
through: standard output and error, OTLP and Sentry as bytes on the wire, and the answers over HTTP.
"""

import gzip
import json
import threading
import time
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from confluent_kafka import Producer

from embedded import processes
from embedded.native.kafka import Kafka
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.processes import Process
from embedded.waiting import wait_until

DATABASE_PASSWORD = "databaseS3CRETone"
KAFKA_PASSWORD = "kafkaS3CRETtwo"
ADMIN_TOKEN = "adminS3CRETthree"
OTLP_TOKEN = "otlpS3CRETfour"
SENTRY_KEY = "5e43e7c0ffee5e43e7c0ffee5e43e7c0"
WRONG = "wrongS3CRETfive"
SECRETS = [DATABASE_PASSWORD, KAFKA_PASSWORD, ADMIN_TOKEN, OTLP_TOKEN, SENTRY_KEY, WRONG]

BODY = "BodyM4RKER"
"""In every title and author that is sent."""
REFUSED = "refusedM4RKER"
"""In titles that a constraint in the database refuses."""

RULES = "/error-injection"


class Sink:
    """An OTLP and Sentry endpoint that keeps each body, inflated, with its path."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                if self.headers.get("Transfer-Encoding", "") == "chunked":
                    body = b"".join(iter(self._chunk, b""))
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                inflate = {"gzip": gzip.decompress, "deflate": zlib.decompress, "": bytes}
                encoding = self.headers.get("Content-Encoding", "")
                bodies.append((self.path, inflate[encoding](body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _chunk(self) -> bytes:
                size = int(self.rfile.readline(), 16)
                chunk = self.rfile.read(size)
                self.rfile.readline()
                return chunk

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def of(self, path: str) -> list[bytes]:
        return [body for at, body in list(self.bodies) if path in at]

    def __enter__(self) -> "Sink":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class System:
    """Both services, what they talk to, and all that they answered."""

    def __init__(self, run: Any, postgres: Postgres, database_url: str, kafka: Kafka, sink: Sink):
        self.postgres = postgres
        self.kafka = kafka
        self.sink = sink
        self.database = urlsplit(database_url).path.lstrip("/")
        self.answers: list[httpx.Response] = []
        self.processes: list[Process] = []
        self._run = run
        host = urlsplit(database_url).netloc.rpartition("@")[2]
        self.env = {
            "DATABASE_URL": f"postgresql://secretive:{DATABASE_PASSWORD}@{host}/{self.database}",
            "KAFKA_BROKER_URL": kafka.urls["SASL_PLAINTEXT"],
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_SASL_USERNAME": "books",
            "KAFKA_SASL_PASSWORD": KAFKA_PASSWORD,
            "ADMIN_TOKEN": ADMIN_TOKEN,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{sink.address}",
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {OTLP_TOKEN}",
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OTEL_BLRP_SCHEDULE_DELAY": "200",
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            "SENTRY_DSN": f"http://{SENTRY_KEY}@{sink.address}/1",
            "LOG_LEVEL": "DEBUG",
        }
        self.backend_url = self.start_backend("ready")
        self.bookapp_url = self.start_bookapp("ready")
        self.bookapp, self.backend = self.processes[-1], self.processes[-2]

    def start_backend(self, state: str, **env: str) -> str:
        port = free_port()
        command = ["faust", "-A", "backend.app", "worker", "-l", "debug"]
        return self._start(command, port, state, {"BACKEND_PORT": str(port), **env})

    def start_bookapp(self, state: str, **env: str) -> str:
        port = free_port()
        command = ["bookapp", "--port", str(port)]
        return self._start(command, port, state, {"BACKEND_URL": self.backend_url, **env})

    def _start(self, command: list[str], port: int, state: str, env: dict[str, str]) -> str:
        url = f"http://127.0.0.1:{port}"
        ready = f"{url}/health/{state}"
        self.processes.append(self._run(command, {**self.env, **env}, ready=ready, timeout=60))
        return url

    def ask(self, method: str, url: str, **options: Any) -> httpx.Response:
        """A request whose answer is kept."""
        answer = httpx.request(method, url, timeout=20, trust_env=False, **options)
        self.answers.append(answer)
        return answer

    def add(self, title: str = BODY) -> httpx.Response:
        return self.ask("POST", f"{self.bookapp_url}/books/add", json=book(title))

    def ingested(self, book_id: int) -> bool:
        return self.ask("GET", f"{self.backend_url}/books/{book_id}").status_code == 200

    def sql(self, statement: str) -> None:
        self.postgres.execute(statement, self.database)


def book(title: str = BODY) -> dict[str, str]:
    return {"title": f"{title} and more", "author": f"{BODY} the author"}


@pytest.fixture
def system(run_service: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    monkeypatch.setattr(processes, "TAIL_LINES", 1_000_000)  # every line counts
    mechanisms = {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
    }
    scram = ["--add-scram", f"SCRAM-SHA-512=[name=books,password={KAFKA_PASSWORD}]"]
    listeners = {"SASL_PLAINTEXT": 0}
    with (
        Sink() as sink,
        Postgres(fsync=False) as postgres,
        Kafka(properties=mechanisms, listeners=listeners, format_arguments=scram) as kafka,
    ):
        role = f"CREATE ROLE secretive SUPERUSER LOGIN PASSWORD '{DATABASE_PASSWORD}'"
        postgres.execute(role)
        made = System(run_service, postgres, postgres.create_database("secrets"), kafka, sink)
        yield made
        for process in made.processes:
            process.stop()


# -- what is provoked


def use_it(system: System) -> None:
    """As it is meant to be used."""
    added = system.add()
    wait_until(lambda: system.ingested(added.json()), 30, what="the ingestion")
    books = f"{system.bookapp_url}/books"
    system.ask("POST", f"{books}/bulk_add", json=[book(), book()])
    again = {"Idempotency-Key": "once"}
    for title in (BODY, "other", BODY):
        system.ask("POST", f"{books}/add", json=book(title), headers=again)
    system.ask("PATCH", f"{books}/{added.json()}", json={"title": f"{BODY} changed"})
    system.ask("GET", f"{books}?limit=3&after=99")
    system.ask("DELETE", f"{books}/{added.json()}")
    for url in (system.bookapp_url, system.backend_url):
        for page in ("/schema", "/schema/openapi.json", "/schema/asyncapi.json", "/health/ready"):
            system.ask("GET", url + page)


def ask_for_nonsense(system: System) -> None:
    """Bodies, ids and tokens that are refused."""
    books = f"{system.bookapp_url}/books"
    bodies = [
        f'{{"title": "{BODY}',
        f'"{BODY}"',
        json.dumps({"title": BODY, "author": [BODY]}),
        json.dumps({**book(), "status": BODY}),
        json.dumps(book(f"\x00{BODY}")),
        json.dumps(book(BODY * 200)),
        json.dumps({BODY: BODY}),
        f'{{"title": "\\ud800{BODY}", "author": "{BODY}"}}',
        json.dumps(book() | {"extra": BODY * 200_000}),
    ]
    for body in bodies:
        system.ask("POST", f"{books}/add", content=body)
        system.ask("POST", f"{books}/bulk_add", content=f"[{body}]")
        system.ask("PATCH", f"{books}/1", content=body)
        system.ask("PUT", f"{books}/1", content=body)
        system.ask("POST", f"{books}/nothing/here", content=body)
    for url in (system.bookapp_url + RULES, system.backend_url + RULES):
        for token in (None, f"Bearer {WRONG}", f"Basic {ADMIN_TOKEN}", f"Bearer {ADMIN_TOKEN}"):
            headers = {} if token is None else {"Authorization": token}
            rule = {"endpoint_pattern": BODY, "http_method": BODY, "error_rate": BODY}
            system.ask("POST", url, json=rule, headers=headers)
            system.ask("GET", f"{url}/9", headers=headers)


def fail_inside(system: System) -> None:
    """A constraint that refuses rows: PostgreSQL repeats them in its errors. Injected failures."""
    for table in ("public.books", "backend.book"):
        system.sql(
            f"ALTER TABLE {table} ADD CONSTRAINT refusal CHECK (title NOT LIKE '%{REFUSED}%')"
        )
    assert system.add(REFUSED).status_code == 500
    bulk = [book(REFUSED)] * 2
    system.ask("POST", f"{system.bookapp_url}/books/bulk_add", json=bulk)
    system.ask("PATCH", f"{system.bookapp_url}/books/1", json=book(REFUSED))
    system.sql("ALTER TABLE public.books DROP CONSTRAINT refusal")
    system.add(REFUSED)  # and now it is backend's table that refuses it

    admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    rule = {"error_rate": 1.0, "error_message": "on purpose"}
    endpoint = {"endpoint_pattern": "/books/add", "http_method": "POST", **rule}
    made = system.ask("POST", system.bookapp_url + RULES, json=endpoint, headers=admin)
    wait_until(lambda: system.add().status_code == 500, what="an injected failure")
    system.ask("DELETE", f"{system.bookapp_url}{RULES}/{made.json()['id']}", headers=admin)
    wait_until(lambda: system.add().status_code == 201, what="the end of the rule")


def send_nonsense(system: System) -> None:
    """Records that cannot be decoded, or that the database refuses; one too large to be sent."""
    record = {
        "type": "added",
        "event_id": "6f9619ff-8b86-4011-b42d-00cf4fc964ff",
        "sequence": 1,
        "occurred_at": "2024-01-01T00:00:00Z",
        "book": {"id": 777_777, "status": "lost", **book(REFUSED)},
    }
    values = [
        BODY.encode(),
        json.dumps({**record, "type": BODY}).encode(),
        json.dumps({**record, "event_id": BODY}).encode(),
        json.dumps({**record, "occurred_at": BODY}).encode(),
        json.dumps({**record, "book": book() | {"id": 777_777, "status": BODY}}).encode(),
        json.dumps(record).encode(),
    ]
    producer = Producer({"bootstrap.servers": system.kafka.url})
    for value in values:
        producer.produce("book_ingestion", value, b"777777", headers=[("traceparent", None)])
    assert producer.flush(30) == 0
    system.sql(
        "INSERT INTO outbox (topic, key, value, created_at) VALUES"
        f" ('book_ingestion', '1', convert_to(repeat('{BODY}', 300000), 'UTF8'), now())"
    )
    wait_until(
        lambda: "dead letters" in "".join(system.backend.lines[-400:]), 60, what="a dead letter"
    )


def take_away(system: System) -> None:
    """PostgreSQL and Kafka go and come back."""
    system.postgres.kill()
    try:
        assert system.add().status_code == 503
        system.ask("GET", f"{system.backend_url}/books/1")
        for url in (system.bookapp_url, system.backend_url):
            system.ask("GET", f"{url}/health/ready")
    finally:
        system.postgres.start()
    ready = f"{system.bookapp_url}/health/ready"
    wait_until(lambda: system.ask("GET", ready).status_code == 200, 30, what="PostgreSQL's return")
    system.kafka.kill()
    try:
        system.add()
        away = "Kafka is away"
        wait_until(lambda: any(away in line for line in system.backend.lines), 30, what=away)
    finally:
        system.kafka.start()
    last = wait_until(lambda: system.add().json(), 10)
    wait_until(lambda: system.ingested(last), 60, what="the ingestion after all that")


def give_wrong_passwords(system: System) -> None:
    """Further processes that nobody lets in."""
    wrong = {
        "DATABASE_URL": system.env["DATABASE_URL"].replace(DATABASE_PASSWORD, WRONG),
        "KAFKA_SASL_PASSWORD": WRONG,
    }
    for variable, value in wrong.items():
        backend = system.start_backend("live", **{variable: value})
        system.ask("GET", f"{backend}/health/ready")
        bookapp = system.start_bookapp("live", **{variable: value})
        system.ask("POST", f"{bookapp}/books/add", json=book())
        # A bookapp without the relay's lease has no reason to sign in to Kafka.
        refused = system.processes[-2:] if variable == "DATABASE_URL" else system.processes[-2:-1]
        for process in refused:
            process.wait_for_line(r"[Aa]uthentication failed", 20)
        for process in system.processes[-2:]:
            process.stop()
    short = [
        {"DATABASE_URL": f"postgresql://me:{WRONG}@host:port/db"},
        {"SENTRY_DSN": f"http:/{WRONG}"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": f"//{WRONG}@host"},
        {"OTEL_EXPORTER_OTLP_HEADERS": f"{WRONG}"},
        {"KAFKA_BROKER_URL": f"kafka://me:{WRONG}@host:port"},
    ]
    for env in short:
        process = system._run(["faust", "-A", "backend.app", "worker"], {**system.env, **env})
        system.processes.append(process)
    limit = time.monotonic() + 8  # some end, some do not mind
    wait_until(
        lambda: time.monotonic() > limit or not any(p.running for p in system.processes[-5:]), 10
    )


# -- what is searched


def payload_of(envelope: bytes) -> bytes:
    """A Sentry envelope without its first line, which has to hold the key."""
    return envelope.partition(b"\n")[2]


@pytest.mark.timeout(300)
def test_nothing_that_is_emitted_holds_a_secret_or_a_request_body(system: System) -> None:
    for provoke in (
        use_it,
        ask_for_nonsense,
        fail_inside,
        send_nonsense,
        take_away,
        give_wrong_passwords,
    ):
        provoke(system)
    for process in system.processes:
        process.stop()

    emitted = {
        "output": "\n".join(line for one in system.processes for line in one.lines).encode(),
        "spans": b"".join(system.sink.of("/v1/traces")),
        "logs": b"".join(system.sink.of("/v1/logs")),
        "metrics": b"".join(system.sink.of("/v1/metrics")),
        "Sentry": b"\n".join(map(payload_of, system.sink.of("/api/1/"))),
    }
    assert b"CheckViolationError" in emitted["Sentry"]
    assert b"send book_ingestion" in emitted["spans"]
    assert b"goes to the dead letters" in emitted["logs"]
    assert b"http.server.request.duration" in emitted["metrics"]
    answers = [answer.headers.raw.__repr__() + answer.text for answer in system.answers]
    refusals = [one.text for one in system.answers if one.status_code >= 400]
    assert {one.status_code for one in system.answers} >= {200, 201, 204, 400, 401, 404, 500, 503}

    leaks = [
        f"{secret} in {where}: {around(secret.encode(), said)}"
        for secret in [*SECRETS, BODY, REFUSED]
        for where, said in emitted.items()
        if secret.encode() in said
    ]
    leaks += [f"{s} in an answer" for s in SECRETS for text in answers if s in text]
    leaks += [f"{text[:300]} repeats the body" for text in refusals if BODY in text]
    leaks += [f"{text[:300]} repeats the row" for text in refusals if REFUSED in text]
    assert not leaks, "\n".join(leaks)


def around(secret: bytes, said: bytes) -> str:
    """Where it stands, for whoever has to find out why."""
    at = said.index(secret)
    return said[max(0, at - 300) : at + 100].decode("utf-8", "replace")
