"""Builds programs from the Go modules that their projects publish."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded.native.cache import run, tool

INSTALL_GO = "install Go 1.26 or newer"


def build_programs(
    module: str,
    packages: Sequence[str],
    output: Path,
    flags: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> None:
    """Builds `packages` of `module` (`path@version`), without cgo, into the directory `output`.

    Raises MissingTool when there is no Go.
    """
    go = tool("go", INSTALL_GO)
    described = run([go, "mod", "download", "-json", module], cwd=output)
    sources = output / "sources"
    # A copy: a module's own go.mod counts, with its replacements, only when it is the main one.
    shutil.copytree(json.loads(described[described.index("{") :])["Dir"], sources)
    run(["chmod", "-R", "u+w", sources], cwd=output)
    settings = {"CGO_ENABLED": "0", "GOWORK": "off", **(environ or {})}
    command = [go, "build", "-trimpath", *flags, "-o", f"{output}/", *packages]
    run(command, cwd=sources, environ=settings)
    shutil.rmtree(sources)
