"""`python -m embedded.receiver [--port 4318] [--grpc]`: the receiver as a process."""

import argparse
import asyncio
import contextlib
import socket
import sys

import uvicorn

import serving
from embedded.ports import LOOPBACK
from embedded.receiver import limits
from embedded.receiver.app import create_app
from embedded.receiver.kept.store import Store
from embedded.receiver.live import Live


class _Protocol(serving.BoundedProtocol):
    limits = serving.Limits(body=limits.BODY_BYTES, bodies=limits.IN_FLIGHT_BYTES)


class _Server(serving.MainServer):
    """Says on standard output where it listens, once it does; ends the streams when it stops."""

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            # In one piece: whoever reads it may read standard error from the same pipe.
            sys.stdout.write(f"listening on {listener.getsockname()[1]}\n")
            sys.stdout.flush()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._live.close()
        await super().shutdown(sockets)


async def serve(options: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when the port cannot be had."""
    listener = socket.create_server((options.host, options.port))
    store = Store(max(options.memory, 1) * limits.MIB)
    live = Live(store)
    config = serving.config(
        create_app(store, live, options.allow_host),
        http=_Protocol,
        log_level="warning",
        access_log=False,
        lifespan="off",
    )
    if options.grpc is None:
        await _Server(config, live).serve(sockets=[listener])
        return
    from embedded.receiver.intake.grpc_door import start_grpc

    grpc_server, grpc_port = await start_grpc(store, options.host, options.grpc)
    print(f"grpc on {grpc_port}")
    await _Server(config, live).serve(sockets=[listener])
    await grpc_server.stop(grace=1)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m embedded.receiver",
        description="Takes OTLP (HTTP/protobuf) and Sentry envelopes; serves the trace page.",
    )
    parser.add_argument("--port", type=int, default=4318, help="0 takes a free one (default 4318)")
    parser.add_argument(
        "--grpc",
        type=int,
        nargs="?",
        const=0,
        metavar="PORT",
        help="OTLP over gRPC as well, on this port (without one: a free one)",
    )
    parser.add_argument(
        "--host",
        default=LOOPBACK,
        metavar="ADDRESS",
        help=f"where to listen (default {LOOPBACK}); whoever reaches it may read and write",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that it answers to beside loopback's",
    )
    parser.add_argument(
        "--memory",
        type=int,
        default=limits.KEPT_BYTES // limits.MIB,
        metavar="MIB",
        help=f"what is kept at most (default {limits.KEPT_BYTES // limits.MIB})",
    )
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(serve(options))
        except OSError as error:
            print(f"error: port {options.port} cannot be used: {error.strerror}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
