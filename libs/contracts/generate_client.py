"""Generates ``contracts.backend_client`` from the backend's OpenAPI document.

    python -m backend.api.document | python -m contracts.generate_client

The document comes from outside, because no library imports a service. The client is committed; a
test holds it against the document. It works over any ``httpx.AsyncClient`` that it is given
(``Client.set_async_httpx_client``), and so over ours (``service_client``), whose transport traces
each call by its template.
The generator's templates for models and answers are replaced by ours (``client_templates``): models
are msgspec's Structs, which bookapp's API answers with as they are, and an answer is decoded
straight into them. The operator's routes
are left out: no service calls them.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec

PACKAGE: Final = "backend_client"
CLIENT: Final = Path(__file__).parent / PACKAGE
TEMPLATES: Final = Path(__file__).parent / "client_templates"
OPERATORS_TAGS: Final = frozenset({"error injection"})

# No hooks: they run whichever formatter is on PATH. Ours is the one beside this interpreter.
_CONFIG: Final = (
    f"project_name_override: {PACKAGE}\npackage_name_override: {PACKAGE}\npost_hooks: []\n"
)


def generate(document: bytes, output: Path = CLIENT) -> None:
    """Write the client for an OpenAPI document (JSON) to ``output``, replacing what is there.

    Raises subprocess.CalledProcessError when the generator refuses the document or warns of it.
    """
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        (root / "openapi.json").write_bytes(for_services(document))
        (root / "config.yaml").write_text(_CONFIG)
        made = root / PACKAGE
        _run(
            *("openapi_python_client", "generate", "--meta", "none", "--fail-on-warning"),
            *("--path", root / "openapi.json", "--config", root / "config.yaml"),
            *("--output-path", made, "--custom-template-path", TEMPLATES),
        )
        _run("ruff", "format", "--isolated", "--line-length", "100", made)
        shutil.rmtree(output, ignore_errors=True)
        shutil.copytree(made, output, ignore=shutil.ignore_patterns("__pycache__", ".ruff_cache"))


def for_services(document: bytes) -> bytes:
    """The document without the operator's routes, and the schemas that only they use."""
    api = msgspec.json.decode(document)
    api["paths"] = {
        path: operations
        for path, operations in api["paths"].items()
        if not any(OPERATORS_TAGS & set(one.get("tags", ())) for one in operations.values())
    }
    schemas = api["components"]["schemas"]
    used = _used(api["paths"], schemas)
    api["components"]["schemas"] = {name: schemas[name] for name in schemas if name in used}
    return msgspec.json.encode(api)


def _used(paths: Any, schemas: dict[str, Any]) -> set[str]:
    """The names of the schemas that the paths refer to, also by way of other schemas."""
    used: set[str] = set()
    waiting = [paths]
    while waiting:
        text = msgspec.json.encode(waiting.pop()).decode()
        new = {name for name in schemas if f'"#/components/schemas/{name}"' in text} - used
        used |= new
        waiting += [schemas[name] for name in new]
    return used


def _run(module: str, *arguments: str | Path) -> None:
    command = [sys.executable, "-m", module, *arguments]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  # our own arguments


if __name__ == "__main__":
    generate(sys.stdin.buffer.read())
