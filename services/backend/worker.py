"""``faust -A backend.app worker``: one that takes its port first."""

from typing import Any

from backend.http_server import HttpServer
from delivery import application


class Worker(application.Worker):
    """Takes its addresses before it says or starts anything: a port in use is one line, no more."""

    def __init__(self, app: application.App, *args: Any, **kwargs: Any) -> None:
        for service in app.before_kafka:
            if isinstance(service, HttpServer):
                service.bind()
        super().__init__(app, *args, **kwargs)
