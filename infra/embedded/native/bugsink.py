"""Bugsink on loopback: a small server that takes Sentry's protocol and gives events back.

Promises: each project is made over the HTTP API and has its own DSN; an event can be read back with
its tags, which is what the tests of Sentry reporting are for. Its packages live in a directory of
their own in the cache and never meet ours.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from embedded.native.cache import fingerprint, provide, run
from embedded.native.server import Server

REQUIREMENT = "bugsink==2.6.0"
SETTINGS_MODULE = "bugsink_conf"
TEMPLATE = "migrated.sqlite3"

SETTINGS = """\
from bugsink.settings.default import *

SECRET_KEY = {secret!r}
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
DATABASES["default"]["NAME"] = {database!r}
DATABASES["snappea"]["NAME"] = {queue!r}
SNAPPEA = {{"TASK_ALWAYS_EAGER": True}}  # events are readable at once, without a worker process
EMAIL_BACKEND = "bugsink.email_backends.QuietConsoleEmailBackend"
BUGSINK = {{"BASE_URL": {url!r}, "SINGLE_USER": True}}
"""


def bugsink_version() -> str:
    """The version that is installed, for instance `2.6.0`."""
    return REQUIREMENT.rpartition("==")[2]


def _environ(site: Path, directory: Path) -> dict[str, str]:
    """The environment in which Bugsink's modules and the settings of `directory` are found."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": f"{directory}{os.pathsep}{site}",
        "DJANGO_SETTINGS_MODULE": SETTINGS_MODULE,
    }


def _write_settings(directory: Path, database: Path, url: str) -> None:
    text = SETTINGS.format(
        secret=secrets.token_hex(32),
        database=str(database),
        queue=str(directory / "queue.sqlite3"),
        url=url,
    )
    (directory / f"{SETTINGS_MODULE}.py").write_text(text)


def installation() -> Path:
    """The directory with Bugsink's packages and an empty database, made when not in the cache."""

    def fill(directory: Path) -> None:
        site = directory / "site"
        pip = [sys.executable, "-m", "pip", "install", "--quiet", f"--target={site}"]
        run([*pip, REQUIREMENT], cwd=directory)
        _write_settings(directory, directory / TEMPLATE, "http://127.0.0.1")
        migrate = [sys.executable, "-m", "bugsink.scripts.manage", "migrate"]
        run(migrate, cwd=directory, environ=_environ(site, directory))

    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return provide(f"bugsink-{bugsink_version()}", fingerprint(python, SETTINGS), fill)


class Bugsink(Server):
    """One Bugsink with a database of its own; `url` is its address."""

    name = "Bugsink"

    def __init__(self, port: int = 0, directory: Path | None = None) -> None:
        super().__init__(port, directory)
        self.url = f"http://127.0.0.1:{self.port}"
        self._token = ""

    def _command(self) -> Sequence[str | Path]:
        database = self.directory / "db.sqlite3"
        if not database.exists():
            shutil.copy(installation() / TEMPLATE, database)
            _write_settings(self.directory, database, self.url)
        workers = ["--workers=1", "--threads=4", "--no-control-socket"]
        bind = f"--bind=127.0.0.1:{self.port}"
        return [sys.executable, "-m", "gunicorn", "bugsink.wsgi", bind, *workers]

    def _environ(self) -> Mapping[str, str]:
        return _environ(installation() / "site", self.directory)

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=2, trust_env=False).is_success
        except httpx.HTTPError:
            return False

    def create_project(self, name: str) -> tuple[int, str]:
        """Makes a project; returns its number and its DSN."""
        team = self._call("POST", "teams/", {"name": f"team of {name}"})
        self._call("POST", "projects/", {"team": team["id"], "name": name})
        found = self._call("GET", f"projects/?team={team['id']}")["results"][0]
        return found["id"], found["dsn"]

    def events(self, project: int) -> list[dict[str, Any]]:
        """Every stored event of a project, as the client sent it: `tags`, `contexts`, …"""
        issues = self._call("GET", f"issues/?project={project}")["results"]
        return [
            self._call("GET", f"events/{event['id']}/")["data"]
            for issue in issues
            for event in self._call("GET", f"events/?issue={issue['id']}")["results"]
        ]

    def _call(self, method: str, path: str, body: Mapping[str, str] | None = None) -> Any:
        """One call of the API; raises httpx.HTTPStatusError when it is refused."""
        if not self._token:
            done = subprocess.run(
                [sys.executable, "-m", "bugsink.scripts.manage", "create_auth_token"],
                cwd=self.directory,
                env=dict(self._environ()),
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
            self._token = done.stdout.split()[-1]
        answer = httpx.request(
            method,
            f"{self.url}/api/canonical/0/{path}",
            json=body,
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=30,
            trust_env=False,
        )
        answer.raise_for_status()
        return answer.json()
