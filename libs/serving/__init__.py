"""Whatever comes in over HTTP, before an application sees it. Any ASGI application can use it.

- ``BoundedProtocol`` with its ``Limits``: uvicorn's HTTP/1.1 with a bound on all that a client
  could make grow or last.
- ``config``, ``listen``, ``run``, ``MainServer``, ``Server``: a uvicorn server with it, as a
  process or within one that has other work too; ``read_arguments`` reads the command line of such
  a process.
- ``Front``: the names that a server answers to, what a page in a browser may do, and HEAD for
  every GET. ``host_names`` reads the setting of the names.
"""

from serving.command import read_arguments
from serving.front import Front
from serving.hosts import host_names
from serving.limits import Limits
from serving.protocol import BoundedProtocol
from serving.server import CannotListenError, MainServer, Server, config, listen, run

__all__ = [
    "BoundedProtocol",
    "CannotListenError",
    "Front",
    "Limits",
    "MainServer",
    "Server",
    "config",
    "host_names",
    "listen",
    "read_arguments",
    "run",
]
