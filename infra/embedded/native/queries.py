"""Are LogQL and TraceQL well formed? Asked of the grammars that Grafana's own editor uses.

Loki and Tempo themselves are not needed for it. The packages come from npm, once, into the cache.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from embedded.native.cache import fingerprint, provide, run, tool

PACKAGES = (
    "@grafana/lezer-logql@0.3.0",
    "@grafana/lezer-traceql@1.0.0",
    "@lezer/common@1.5.5",
    "@lezer/lr@1.4.12",
)
SCRIPT = Path(__file__).with_name("queries.mjs")
INSTALL_NODE = "install Node.js 18 or newer with npm"
Language = Literal["logql", "traceql"]


def malformed(language: Language, queries: Sequence[str]) -> dict[str, list[int]]:
    """Where each malformed query goes wrong, as offsets; well-formed ones are not in it.

    Raises MissingTool when there is no Node.js.
    """

    def fill(directory: Path) -> None:
        shutil.copy(SCRIPT, directory)
        (directory / "package.json").write_text("{}")
        npm = tool("npm", INSTALL_NODE)
        run([npm, "install", "--silent", "--no-fund", *PACKAGES], cwd=directory, timeout=300)

    home = provide("query-grammars", fingerprint(SCRIPT.read_text(), *PACKAGES), fill)
    node = tool("node", INSTALL_NODE)
    output = run([node, SCRIPT.name, language, json.dumps(list(queries))], cwd=home, timeout=60)
    found: dict[str, list[int]] = json.loads(output)
    return found
