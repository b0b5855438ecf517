"""The services run with exactly the grants of docs/operations.md, whichever way they sign in, and
say of each that is taken away that they lack it.

The broker lets nobody do what no ACL allows, but for the test's own user, who comes without SASL.
"""

import base64
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from embedded.native.kafka import Kafka
from embedded.ports import free_port
from embedded.processes import Process
from embedded.services import bare_environment
from embedded.testing import RunService
from embedded.waiting import wait_until

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
USERS = {
    "bookapp": "bookapp",
    "backend's worker": "backend",
    "who redrives or publishes a replay": "operator",
}
WITHIN = 60.0

Grant = tuple[str, str, str, str]
"""User, kind, name and operation."""
TOPIC = ("topic", "book_ingestion")
DEAD_LETTERS = ("topic", "book_ingestion.dlq")
RIGHTS = "it needs Describe, and Read to receive or Write to send"


def grants() -> set[Grant]:
    """Each grant in the page's table."""
    head, _, *rows = re.findall(r"^\|.*\|$", PAGE[PAGE.index("| principal |") :], re.M)[:5]
    resources = re.findall(r"(topic|group) `([\w.]+)`", head)
    found = set()
    for row in rows:
        principal, *cells = [cell.strip() for cell in row.strip("|").split("|")]
        for (kind, name), cell in zip(resources, cells, strict=True):
            for operation in filter(None, cell.split(", ")):
                found.add((USERS[principal], kind, name, operation))
    return found


def binding(user: str, kind: str, name: str, operation: str) -> AclBinding:
    return AclBinding(
        ResourceType[kind.upper()],
        name,
        ResourcePatternType.LITERAL,
        f"User:{user}",
        "*",
        AclOperation[operation.upper()],
        AclPermissionType.ALLOW,
    )


def token(user: str) -> str:
    """An unsecured JSON Web Token, which a broker takes that was told of no issuer."""
    claims = {"sub": user, "iat": int(time.time()), "exp": int(time.time()) + 3600}
    parts = ({"alg": "none"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
    return ".".join(part.decode().rstrip("=") for part in encoded) + "."


@pytest.fixture(scope="module")
def kafka() -> Iterator[Kafka]:
    listener = "listener.name.sasl_plaintext"
    module = "org.apache.kafka.common.security"
    users = " ".join(f'user_{user}="{user}-secret"' for user in USERS.values())
    properties = {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
        "sasl.enabled.mechanisms": "PLAIN,OAUTHBEARER",
        f"{listener}.plain.sasl.jaas.config": f"{module}.plain.PlainLoginModule required {users};",
        f"{listener}.oauthbearer.sasl.jaas.config": (
            f"{module}.oauthbearer.OAuthBearerLoginModule required"
            ' unsecuredLoginStringClaim_sub="broker";'
        ),
    }
    with Kafka(properties=properties, listeners={"SASL_PLAINTEXT": 0}) as broker:
        yield broker


class System:
    """bookapp and backend, each as its own user."""

    def __init__(self, kafka: Kafka, database_url: str, run: RunService, directory: Path) -> None:
        self.admin = AdminClient({"bootstrap.servers": kafka.url})
        self.kafka = kafka
        self._database_url, self._run, self._directory = database_url, run, directory
        self.bookapp = f"http://127.0.0.1:{free_port()}"
        self.backend = f"http://127.0.0.1:{free_port()}"

    def environment(self, user: str, mechanism: str) -> dict[str, str]:
        file = self._directory / user
        file.write_text(token(user))
        return {
            "DATABASE_URL": self._database_url,
            "KAFKA_BROKER_URL": self.kafka.urls["SASL_PLAINTEXT"],
            "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "KAFKA_SASL_MECHANISM": mechanism,
            **(
                {"KAFKA_SASL_USERNAME": user, "KAFKA_SASL_PASSWORD": f"{user}-secret"}
                if mechanism == "PLAIN"
                else {"KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL": file.as_uri()}
            ),
            "BACKEND_URL": self.backend,
            "BACKEND_PORT": self.backend.rpartition(":")[2],
        }

    def start(self, mechanism: str) -> None:
        """Until both are ready; whichever is first makes the topics."""
        self.begin(mechanism)
        wait_until(lambda: self.why_unready() == "", WITHIN, what="backend to be ready")

    def begin(self, mechanism: str) -> None:
        """Until both answer."""
        port = self.bookapp.rpartition(":")[2]
        live = "/health/live"
        env = self.environment("bookapp", mechanism)
        sender = ["bookapp", "--port", port]
        self.sender = self._run(sender, env, ready=self.bookapp + live, name="bookapp")
        env = self.environment("backend", mechanism)
        worker = ["faust", "-A", "backend.app", "worker"]
        self.worker = self._run(worker, env, ready=self.backend + live, name="backend")

    def why_unready(self) -> str:
        answer = httpx.get(f"{self.backend}/health/ready", timeout=10, trust_env=False)
        return "" if answer.status_code == httpx.codes.OK else answer.text

    def add(self) -> int:
        body = {"title": "The Dispossessed", "author": "Ursula K. Le Guin"}
        answer = httpx.post(f"{self.bookapp}/books/add", json=body, timeout=10, trust_env=False)
        assert answer.status_code == httpx.codes.CREATED
        added: int = answer.json()
        return added

    def has(self, book: int) -> bool:
        url = f"{self.backend}/books/{book}"
        return httpx.get(url, timeout=10, trust_env=False).status_code == httpx.codes.OK

    def command(self, *arguments: str, mechanism: str) -> "subprocess.CompletedProcess[str]":
        env = {**bare_environment(os.environ), **self.environment("operator", mechanism)}
        command = [sys.executable, "-m", "faust", "-A", "backend.app", *arguments]
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=60, check=False
        )

    def change(self, *bindings: AclBinding, allow: bool) -> None:
        if allow:
            changes: Any = self.admin.create_acls(list(bindings))
        else:
            changes = self.admin.delete_acls([_filter(each) for each in bindings])
        for future in changes.values():
            future.result(30)


def _filter(found: AclBinding) -> Any:
    return AclBindingFilter(
        found.restype,
        found.name,
        found.resource_pattern_type,
        found.principal,
        found.host,
        found.operation,
        found.permission_type,
    )


@pytest.fixture
def system(kafka: Kafka, postgres_url: str, run_service: Any, tmp_path: Path) -> Iterator[System]:
    made = System(kafka, postgres_url, run_service, tmp_path)
    made.change(*(binding(*grant) for grant in grants()), allow=True)
    yield made
    run_service.stop_all()
    topics = [topic for topic in made.admin.list_topics(timeout=10).topics if topic[0] != "_"]
    for future in made.admin.delete_topics(topics).values():
        future.result(30)


@contextlib.contextmanager
def without(system: System, *grants: Grant) -> Iterator[None]:
    """They are taken away, and given back at the end."""
    bindings = [binding(*grant) for grant in grants]
    system.change(*bindings, allow=False)
    yield
    system.change(*bindings, allow=True)


def says(process: Process, text: str) -> None:
    """Wait until it says so, in one line of its log."""
    wait_until(lambda: any(text in line for line in process.lines), WITHIN, what=text)


def arrives(system: System, book: int | None = None) -> None:
    """Wait until a book, or a new one, is in the read model."""
    book = book or system.add()
    wait_until(lambda: system.has(book), WITHIN, what="the book in the read model")


def send_nonsense(system: System) -> None:
    """A record that nobody can decode."""
    producer = Producer({"bootstrap.servers": system.kafka.url})
    producer.produce("book_ingestion", b"nonsense", b"7", partition=0)
    assert producer.flush(30) == 0


def listed(system: System, mechanism: str) -> str:
    """The place of the one new dead letter, as the operator sees it; "" when there is none."""
    new = system.command("dead-letters", "list", "--state", "new", mechanism=mechanism)
    return "".join(re.findall(r"^book_ingestion/\S+", new.stdout, re.M))


@pytest.mark.parametrize("mechanism", ["PLAIN", "OAUTHBEARER"])
def test_the_grants_of_the_page_are_enough(system: System, mechanism: str) -> None:
    system.start(mechanism)
    book = system.add()
    arrives(system, book)
    send_nonsense(system)
    letter = wait_until(lambda: listed(system, mechanism), WITHIN, what="the dead letter")
    sent = system.command("dead-letters", "redrive", letter, "--yes", mechanism=mechanism)
    assert sent.returncode == 0, sent.stderr
    key = ["--key", str(book)]
    again = system.command(
        "replay", *key, "--publish", "book_ingestion", "--yes", mechanism=mechanism
    )
    assert again.returncode == 0, again.stderr


FIRST_START = {
    (user, *topic, "Create") for user in ("bookapp", "backend") for topic in (TOPIC, DEAD_LETTERS)
}
WORKER = {
    ("backend", "group", "backend", "Read"): "consumer group backend: it needs Read on the group",
    ("backend", *TOPIC, "Read"): f"topic book_ingestion: {RIGHTS}",
    ("backend", *DEAD_LETTERS, "Read"): f"topic book_ingestion.dlq: {RIGHTS}",
}
BURIAL: Grant = ("backend", *DEAD_LETTERS, "Write")
SENDER: Grant = ("bookapp", *TOPIC, "Write")
OPERATOR = {("operator", *TOPIC, operation) for operation in ("Read", "Write")}
IMPLIED = {
    ("bookapp", *TOPIC, "Describe"),  # by Write
    ("bookapp", *DEAD_LETTERS, "Describe"),  # by nothing; but only a start looks
    ("backend", *TOPIC, "Describe"),
    ("backend", *DEAD_LETTERS, "Describe"),
    ("operator", *TOPIC, "Describe"),
}


def test_each_grant_of_the_page_is_taken_away_below() -> None:
    assert FIRST_START | {*WORKER, BURIAL, SENDER} | OPERATOR | IMPLIED == grants()


def test_who_may_not_create_a_topic_says_which_until_somebody_has(system: System) -> None:
    with contextlib.ExitStack() as given_back:
        given_back.enter_context(without(system, *FIRST_START))
        system.begin("PLAIN")
        book = system.add()
        both = "create the topic book_ingestion, book_ingestion.dlq: it needs Create"
        says(system.sender, both)
        wait_until(lambda: both in system.why_unready(), WITHIN, what=both)
        one = "create the topic book_ingestion.dlq: it needs Create"
        system.change(binding("backend", *TOPIC, "Create"), allow=True)
        says(system.sender, one)
        wait_until(lambda: one in system.why_unready(), WITHIN, what=one)
    wait_until(lambda: system.why_unready() == "", WITHIN, what="backend to be ready")
    arrives(system, book)


def test_a_right_of_the_services_that_is_taken_away_is_named_until_it_is_back(
    system: System,
) -> None:
    system.start("PLAIN")
    with without(system, *(grant for grant in IMPLIED if grant[0] != "operator")):
        arrives(system)
    for grant, said in WORKER.items():
        with without(system, grant):
            wait_until(lambda said=said: said in system.why_unready(), WITHIN, what=said)
            book = system.add()
            for _ in range(16):  # while it tries again
                assert said in system.why_unready()
                time.sleep(0.4)
        wait_until(lambda: system.why_unready() == "", WITHIN, what="backend to be ready")
        arrives(system, book)
        assert sum(f"{said}; trying again" in line for line in system.worker.lines) == 1

    with without(system, SENDER):
        book = system.add()
        says(system.sender, f"use the topic book_ingestion: {RIGHTS}")
        assert not system.has(book)
    arrives(system, book)


def test_a_dead_letter_waits_until_the_worker_may_write_it_and_the_operator_may_redrive_it(
    system: System,
) -> None:
    system.start("PLAIN")
    with without(system, BURIAL):
        send_nonsense(system)
        says(
            system.worker,
            f"not sent yet: Kafka does not let this user use the topic"
            f" book_ingestion.dlq: {RIGHTS}",
        )
        assert listed(system, "PLAIN") == ""
    letter = wait_until(lambda: listed(system, "PLAIN"), WITHIN, what="the dead letter")

    redrive = ("dead-letters", "redrive", letter, "--yes")
    for operation, command, said in [
        ("Write", redrive, "it needs Write on the topic that it sends to"),
        ("Read", ("replay", "--since", "1h"), f"use the topic book_ingestion: {RIGHTS}"),
    ]:
        with without(system, ("operator", *TOPIC, operation)):
            refused = system.command(*command, mechanism="PLAIN")
        assert refused.returncode == 1
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr
    assert listed(system, "PLAIN") == letter
    with without(system, ("operator", *TOPIC, "Describe")):
        sent = system.command(*redrive, mechanism="PLAIN")
    assert sent.returncode == 0, sent.stderr
