"""The services' page under /schema in a browser: it works, loads nothing from elsewhere, and is
kept from nothing by its own policy, which the browser would say as an error."""

from urllib.parse import urlsplit

import pytest

from embedded.ports import free_port

STARTS = {
    "bookapp": (["bookapp", "--port", "{port}"], "add_book", '{"title":"Dune","author":"me"}'),
    "backend": (
        ["faust", "-A", "backend.app", "worker"],
        "create_error_injection_rule",
        '{"endpoint_pattern":"/books","http_method":"GET","error_rate":0,"error_code":500}',
    ),
}


@pytest.mark.parametrize("name", STARTS)
def test_the_page_shows_the_routes_and_lets_one_try_them(
    run_service, postgres_url, broker_url, new_page, name
):
    command, write, body = STARTS[name]
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    env = {"DATABASE_URL": postgres_url, "KAFKA_BROKER_URL": broker_url, "BACKEND_PORT": str(port)}
    command = [part.replace("{port}", str(port)) for part in command]
    run_service(command, env, ready=f"{url}/health/ready", timeout=60)

    page = new_page()
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto(f"{url}/schema")
    page.locator(".opblock").first.wait_for()
    assert page.locator(".opblock").count() >= 10
    assert hosts <= {f"127.0.0.1:{port}", ""}  # the second: of data: addresses

    route = page.locator(f'[id$="-{write}"]')
    route.locator(".opblock-summary-control").click()
    route.get_by_role("button", name="Try it out").click()
    route.locator("textarea").first.fill(body)
    route.get_by_role("button", name="Execute").click()
    status = route.locator(".live-responses-table tbody .response-col_status").first
    status.wait_for()
    assert status.inner_text().split()[0] == "201"
    assert hosts <= {f"127.0.0.1:{port}", ""}
