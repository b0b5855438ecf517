"""Servers listen on loopback unless they are told otherwise."""

import http.client
import ipaddress
import statistics
import time
from typing import Any

import psutil

from embedded.broker import Broker
from embedded.ports import free_port
from embedded.postgres import Postgres
from embedded.receiver import Receiver

NOWHERE = {
    "DATABASE_URL": "postgresql://nobody:nothing@127.0.0.1:1/none",
    "KAFKA_BROKER_URL": "127.0.0.1:1",
}
WORKER = ["faust", "-A", "backend.app", "worker", "-l", "info"]


def listening(pid: int) -> set[str]:
    """The addresses at which a process or one of its children accepts connections."""
    process = psutil.Process(pid)
    family = [process, *process.children(recursive=True)]
    sockets = [found for one in family for found in one.net_connections(kind="inet")]
    addresses = [
        ipaddress.ip_address(found.laddr.ip)
        for found in sockets
        if found.status == psutil.CONN_LISTEN
    ]
    # A server may take IPv4 on a socket of version 6.
    return {str(getattr(address, "ipv4_mapped", None) or address) for address in addresses}


def seconds_an_answer(port: int) -> float:
    """The median of requests that follow each other on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    took = []
    for _ in range(40):
        began = time.perf_counter()
        connection.request("GET", "/health/live")
        connection.getresponse().read()
        took.append(time.perf_counter() - began)
    connection.close()
    return statistics.median(took)


DELAYED_ACKNOWLEDGEMENT = 0.04
"""Seconds that Linux waits with it; what Nagle's algorithm holds back is as late as that."""


def test_bookapp_listens_on_loopback_and_answers_at_once(run_service: Any) -> None:
    port = free_port()
    process = run_service(
        ["bookapp", "--port", str(port)],
        NOWHERE,
        ready=f"http://127.0.0.1:{port}/health/live",
    )
    assert listening(process.pid) == {"127.0.0.1"}
    assert seconds_an_answer(port) < DELAYED_ACKNOWLEDGEMENT


def test_backend_listens_on_loopback_and_where_it_is_told_to_and_answers_at_once(
    run_service: Any,
) -> None:
    for told, expected in [({}, "127.0.0.1"), ({"BACKEND_HOST": "0.0.0.0"}, "0.0.0.0")]:
        port = free_port()
        process = run_service(
            WORKER,
            {**NOWHERE, "BACKEND_PORT": str(port), **told},
            ready=f"http://127.0.0.1:{port}/health/live",
        )
        assert listening(process.pid) == {expected}
        assert seconds_an_answer(port) < DELAYED_ACKNOWLEDGEMENT


def test_the_embedded_parts_listen_on_loopback(
    postgres_server: Postgres, broker: Broker, receiver_process: Receiver
) -> None:
    for part in (postgres_server, broker, receiver_process):
        assert listening(part.process.pid) == {"127.0.0.1"}
