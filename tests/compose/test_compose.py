"""What people do with compose.yaml: up, use, restart, lose a container, down and up again."""

import httpx
import pytest
from tests.compose.system import SERVICES, WORKING, System

from embedded.waiting import wait_until

pytestmark = pytest.mark.timeout(1800)  # the first to ask waits for images to be built
WITHIN = 120.0


def add(system: System, title: str) -> int:
    """Adds a book; its id."""
    book = {"title": title, "author": "Jane Austen"}

    def added() -> int:
        try:
            answer = httpx.post(f"{system.url('bookapp')}/books/add", json=book, timeout=30)
        except httpx.HTTPError:
            return 0
        return int(answer.json()) if answer.status_code == 201 else 0

    return wait_until(added, WITHIN, interval=0.5, what=f"{title} is added")


def ingested(system: System, book: int) -> None:
    """Waits until backend has the book."""

    def there() -> bool:
        try:
            answer = httpx.get(f"{system.url('backend')}/books/{book}", timeout=10)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    wait_until(there, WITHIN, interval=0.5, what=f"book {book} is ingested")


def works(system: System, title: str) -> int:
    """A book is added and ingested; its id."""
    book = add(system, title)
    ingested(system, book)
    return book


def test_it_comes_up_and_a_book_is_ingested(system: System) -> None:
    works(system, "Emma")


def test_what_happens_is_measured(system: System) -> None:
    works(system, "Persuasion")
    wanted = [
        'up{job="services"} == 1',
        'http_server_request_duration_seconds_count{http_route="/books/add"}',
        "kafka_consumer_group_members",
        "sql_books > 0",
        'sql_dead_letters{state="new"}',
    ]
    for query in wanted:

        def measured(query: str = query) -> bool:
            url = f"{system.url('prometheus')}/api/v1/query"
            answer = httpx.get(url, params={"query": query}, timeout=10).json()
            return bool(answer["data"]["result"])

        wait_until(measured, WITHIN, interval=1, what=query)


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_has_no_rights_and_no_root(system: System, service: str) -> None:
    found = system.inspect(service)
    assert found["EffectiveCaps"] in (None, [])
    assert found["HostConfig"]["ReadonlyRootfs"] is (service != "kafka")
    assert found["Config"]["User"].split(":")[0] not in ("", "0", "root")
    assert found["HostConfig"]["Memory"] > 0


@pytest.mark.parametrize("service", WORKING)
def test_a_restarted_container_loses_nothing(system: System, service: str) -> None:
    before = works(system, f"before the restart of {service}")
    system.compose("restart", service)
    works(system, f"after the restart of {service}")
    ingested(system, before)


@pytest.mark.parametrize("service", WORKING)
def test_a_killed_container_loses_nothing(system: System, service: str) -> None:
    before = works(system, f"before the end of {service}")
    system.compose("kill", service)
    assert not system.inspect(service)["State"]["Running"]
    system.compose("start", service)
    works(system, f"after the end of {service}")
    ingested(system, before)


def test_down_and_up_keep_the_data(system: System) -> None:
    before = works(system, "before down")
    system.make("down")
    assert system.running() == set()
    system.up()
    ingested(system, before)
    works(system, "after down")
