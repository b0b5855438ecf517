"""Ports for servers: nobody else's, now or by the time that the server is there."""

import contextlib
import itertools
import socket

import pytest

from embedded import ports
from embedded.ports import LOOPBACK, SERVERS, free_port


def test_a_free_port_is_no_outgoing_connections_and_comes_once() -> None:
    found = [free_port() for _ in range(200)]
    assert len(set(found)) == 200
    assert all(1024 < port < 32_768 for port in found)


def test_a_port_that_is_taken_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    last = len(SERVERS) - 1
    monkeypatch.setattr(ports, "_next", itertools.count(last))
    with socket.socket() as server:
        with contextlib.suppress(OSError):  # if it is somebody else's, that will do
            server.bind((LOOPBACK, SERVERS[last]))
            server.listen()
        assert free_port() < SERVERS[last]
