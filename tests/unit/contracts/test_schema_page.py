"""The page under /schema: all of it comes from the service, and the browser is told so."""

import re
from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.openapi import OpenAPIConfig

from contracts.schema_page import SchemaPage, schema_router


@pytest.fixture
def client() -> httpx.AsyncClient:
    @get("/books", sync_to_thread=False)
    def books() -> list[int]:
        return []

    app = Litestar(
        [books],
        openapi_config=OpenAPIConfig(
            title="<books>",
            version="1",
            openapi_router=schema_router(),
            render_plugins=[SchemaPage()],
        ),
    )
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost")


async def test_the_page_and_all_that_it_loads_are_the_service_s_own(client: Any) -> None:
    page = await client.get("/schema")
    assert "<title>&lt;books&gt;</title>" in page.text
    loaded = re.findall(r'(?:src|href|data-document)="([^"]+)"', page.text)
    own = [address for address in loaded if address != "data:,"]
    assert len(own) == 4
    for address in own:
        assert address.startswith("/schema/")
        answer = await client.get(address)
        assert answer.status_code == 200
        assert len(answer.content) > 100
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<script>" not in page.text


async def test_the_policy_lets_no_other_host_and_no_inline_script_run(client: Any) -> None:
    for path in ("/schema", "/schema/openapi.json", "/schema/assets/start.js"):
        policy = (await client.get(path)).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "http" not in policy


@pytest.mark.parametrize("name", ["nothing.js", "scalar.js", "..%2f__init__.py", "__init__.py"])
async def test_nothing_else_of_the_package_is_served(client: Any, name: str) -> None:
    assert (await client.get(f"/schema/assets/{name}")).status_code == 404


async def test_behind_a_root_path_the_addresses_have_it(client: Any) -> None:
    client._transport.root_path = "/library"
    assert 'src="/library/schema/assets/start.js"' in (await client.get("/library/schema")).text
