"""``faust -A backend.app worker``, without what Faust adds for a terminal."""

from typing import Any

import faust

from backend.http_server import HttpServer
from delivery.faust_app import App


class Worker(faust.Worker):
    """Takes its addresses before it says or starts anything: a port in use is one line, no more.

    Logging is set up already, by telemetry, and stays as it is (``-l`` says nothing more).
    """

    def __init__(self, app: App, *args: Any, **kwargs: Any) -> None:
        for service in app.before_kafka:
            if isinstance(service, HttpServer):
                service.bind()
        app.conf.web_enabled = False  # the command line switches Faust's own web server on
        super().__init__(app, *args, **{**kwargs, "override_logging": False})
        self.spinner = None
