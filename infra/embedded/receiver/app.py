"""The receiver's HTTP side: OTLP and Sentry in, JSON and the page out."""

from collections.abc import Collection

from litestar import Litestar
from litestar.datastructures import State
from litestar.enums import ScopeType
from litestar.types import Scope

from contracts.problems import Problems
from embedded.receiver import limits
from embedded.receiver.answers.remembered import Remembered
from embedded.receiver.answers.routes import ANSWERS
from embedded.receiver.answers.tallies import Tallies
from embedded.receiver.intake.bodies import InFlight
from embedded.receiver.intake.doors import DOORS
from embedded.receiver.kept.store import Store
from embedded.receiver.live import Live
from embedded.receiver.page_files import page_files
from serving import Front

_HEADERS = {
    # Nothing from anywhere else, no inline script: what a service sends stays text.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_TAKEN = ("application/x-protobuf", "application/x-sentry-envelope")


def create_app(store: Store, live: Live, hosts: Collection[str] = ()) -> Front:
    """Only loopback names and ``hosts`` are answered, and no page of another origin writes: a web
    page that somebody has open neither reads what is kept here nor adds to it."""
    app = Litestar(
        [*DOORS, *ANSWERS, page_files()],
        state=State(
            {
                "store": store,
                "live": live,
                "in_flight": InFlight(),
                "remembered": Remembered(),
                "tallies": Tallies(),
            }
        ),
        plugins=[Problems(lambda _: None)],
        after_exception=[_count_refused],
        response_headers=_HEADERS,
        request_max_body_size=limits.BODY_BYTES,
        openapi_config=None,
    )
    return Front(app, hosts=hosts, media_types=_TAKEN, encodings=("gzip", "deflate", "br"))


def _count_refused(_: Exception, scope: Scope) -> None:
    """What came in and was not taken."""
    if scope["type"] == ScopeType.HTTP and scope["method"] == "POST":
        scope["litestar_app"].state.store.refused += 1
