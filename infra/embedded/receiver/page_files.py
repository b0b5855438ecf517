"""The page's files, as they lay there when the receiver started: no path comes from outside."""

from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

_PAGE = Path(__file__).parent / "page"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}


def page_files() -> HTTPRouteHandler:
    """One handler for all files, and for `/`, which is index.html."""
    paths = [path for path in sorted(_PAGE.iterdir()) if path.suffix in _TYPES]
    files = {f"/{path.name}": (path.read_bytes(), _TYPES[path.suffix]) for path in paths}
    files["/"] = files["/index.html"]

    @get(sorted(files), sync_to_thread=False)
    def page(request: Request[Any, Any, Any]) -> Response[bytes]:
        content, media_type = files[request.scope["path"].rstrip("/") or "/"]
        return Response(content, media_type=media_type)

    return page
