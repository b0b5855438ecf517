"""The page under ``/schema``: Swagger UI over the service's own OpenAPI document.

All that it needs comes from this service, so it works without internet, and no other host's script
runs in an origin that may write here. The content security policy says so to the browser. Mount it
with ``OpenAPIConfig(openapi_router=schema_router(), render_plugins=[SchemaPage()])``.
"""

from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.params import FromPath

PATH: Final = "/schema"

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:;"
    # Swagger UI sets styles on elements; no script can be smuggled in that way.
    " style-src 'self' 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

_ASSETS: Final = {
    "swagger-ui.js": ("swagger_bundle.js", "text/javascript"),
    "swagger-ui.css": ("swagger_style.css", "text/css"),
}
"""By the name here: the file in the package ``offapi``, which brings Swagger UI, and its type."""

_START: Final = b"""SwaggerUIBundle({
  url: document.body.dataset.document,
  dom_id: "#page",
  deepLinking: true,
  validatorUrl: null,
});
"""

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{base}/assets/swagger-ui.css">
</head>
<body data-document="{base}/openapi.json">
<div id="page"></div>
<script src="{base}/assets/swagger-ui.js"></script>
<script src="{base}/assets/start.js"></script>
</body>
</html>
"""


class SchemaPage(OpenAPIRenderPlugin):
    """The page itself, and what it loads."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The page; it fetches the document."""
        base = f"{request.scope.get('root_path', '').rstrip('/')}{PATH}"
        title = openapi_schema["info"]["title"]
        return _PAGE.format(title=escape(title), base=escape(base)).encode()

    def receive_router(self, router: Router) -> None:
        """Add the routes of the assets."""
        router.register(_asset)


def schema_router() -> Router:
    """The router of ``/schema``, whose every answer has the policy."""
    return Router(PATH, route_handlers=[], include_in_schema=False, response_headers=_HEADERS)


@get("/assets/{name:str}", include_in_schema=False, sync_to_thread=False)
def _asset(name: FromPath[str]) -> Response[bytes]:
    if name == "start.js":
        content, media_type = _START, "text/javascript"
    elif name in _ASSETS:
        file, media_type = _ASSETS[name]
        content = _content(file)
    else:
        raise NotFoundException
    return Response(content, media_type=media_type, headers={"Cache-Control": "max-age=3600"})


@cache
def _content(file: str) -> bytes:
    # Not imported: the package would read all the pages that it can make, ten megabytes.
    package = find_spec("offapi")
    assert package is not None
    assert package.submodule_search_locations is not None
    return Path(package.submodule_search_locations[0], file).read_bytes()
