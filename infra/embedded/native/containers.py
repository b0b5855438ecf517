"""Containers where there is no Docker: podman with Docker's API on a socket, and the real compose.

Promises: images and containers live in a directory of ours and never meet those of the machine;
`docker compose` in `environ` is the program that people run (`linters.compose`), told of podman's
socket; `close` ends every container and the service. Podman has systemd look at health; here we do
it ourselves.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from embedded.closing import Closing
from embedded.native.cache import MissingTool, fingerprint, provide, run, tool
from embedded.native.linters import compose
from embedded.processes import Process
from embedded.waiting import wait_until

INSTALL_PODMAN = "install it, as root (Debian: podman, runc, iptables)"
INSTALL_NETWORKS = "install podman's networks, as root (Debian: netavark, aardvark-dns)"
INSTALL_DEBOOTSTRAP = "install it, as root (Debian: debootstrap)"
INSTALL_KEYRING = "install Debian's keys, as root (Debian: debian-archive-keyring)"
HELPERS = "/usr/lib/podman:/usr/libexec/podman"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
RELEASE = "bookworm"
PACKAGES = ("busybox", "ca-certificates", "openjdk-17-jre-headless", "python3", "python3-venv")
BASE = "localhost/base:1"

CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=10000:10000", "nproc=20000:20000"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""

DOCKER = """\
#!/bin/sh
# `docker compose` alone. It builds nothing: by itself it could not say how this machine reaches a
# package index.
[ "$1" = compose ] || exit 64
shift
for word; do
    shift
    [ "$word" = --build ] && word=--no-build
    set -- "$@" "$word"
done
exec {compose} "$@"
"""


def podmans_networks() -> None:
    """Raises MissingTool without what gives containers a network and names in it."""
    for program in ("netavark", "aardvark-dns"):
        if shutil.which(program, path=HELPERS) is None:
            raise MissingTool(f"{program} was not found: {INSTALL_NETWORKS}")


def debians_keys() -> None:
    """Raises MissingTool without the keys that debootstrap checks packages with."""
    if not KEYRING.exists():
        raise MissingTool(f"{KEYRING} was not found: {INSTALL_KEYRING}")


def base_tree() -> Path:
    """A tar of a small Debian with what the stand-ins need, made once by debootstrap.

    Raises MissingTool when there is no debootstrap, or its keys, or we are not root.
    """
    program = tool("debootstrap", INSTALL_DEBOOTSTRAP)
    debians_keys()
    if os.geteuid() != 0:
        raise MissingTool(f"debootstrap works for root alone: {INSTALL_DEBOOTSTRAP}")

    def fill(directory: Path) -> None:
        tree = directory / "tree"
        include = f"--include={','.join(PACKAGES)}"
        run([program, "--variant=minbase", include, RELEASE, tree], cwd=directory)
        shutil.rmtree(tree / "var/cache/apt", ignore_errors=True)
        run(["tar", "--directory", tree, "--create", "--file", "tree.tar", "."], cwd=directory)
        shutil.rmtree(tree)

    return provide("debian", fingerprint(RELEASE, *PACKAGES), fill) / "tree.tar"


class Podman(Closing):
    """An engine of our own: `build` images, then run compose with `environ`.

    Raises MissingTool, or RuntimeError with what the engine says when it cannot run a container at
    all, as on a kernel that lacks what containers need.
    """

    def __init__(self) -> None:
        self._program = tool("podman", INSTALL_PODMAN)
        tool("runc", INSTALL_PODMAN)
        tool("iptables", INSTALL_PODMAN)
        podmans_networks()
        self._directory = Path(tempfile.mkdtemp(prefix="podman-"))
        self._socket = self._directory / "socket"
        configuration = self._directory / "containers.conf"
        configuration.write_text(CONFIGURATION)
        programs = self._directory / "programs"
        programs.mkdir()
        (programs / "docker").write_text(DOCKER.format(compose=compose()))
        (programs / "docker").chmod(0o755)
        self.environ = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "DOCKER_HOST": f"unix://{self._socket}",
        }
        """Variables with which `docker compose` is there and meets our engine."""
        self._environ = {"CONTAINERS_CONF": str(configuration)}
        self._parts = contextlib.ExitStack()
        self._parts.callback(shutil.rmtree, self._directory, ignore_errors=True)
        self._parts.callback(self._unmount)
        self._ended = threading.Event()
        try:
            self.run("import", base_tree(), BASE)
            self.run("run", "--rm", BASE, "/bin/true")
            self._serve()
        except BaseException:
            self.close()
            raise

    def _serve(self) -> None:
        command = self._command("system", "service", "--time=0", f"unix://{self._socket}")
        service = Process("podman", command, env={**os.environ, **self._environ})
        self._parts.callback(service.stop)
        wait_until(self._socket.exists, 30, what="podman's socket")
        self._parts.callback(self.run, "rm", "--all", "--force", "--time=0")
        looking = threading.Thread(target=self._look_after_health, daemon=True)
        looking.start()
        self._parts.callback(looking.join, 30)
        self._parts.callback(self._ended.set)

    def _command(self, *arguments: str | Path) -> list[str | Path]:
        places = [f"--{name}={self._directory / name}" for name in ("root", "runroot", "tmpdir")]
        return [
            self._program,
            *places,
            f"--network-config-dir={self._directory / 'networks'}",
            *arguments,
        ]

    def run(self, *arguments: str | Path, timeout: float = 600) -> str:
        """What a podman command prints; raises RuntimeError with the end of it when it fails."""
        command = self._command(*arguments)
        return run(command, cwd=self._directory, environ=self._environ, timeout=timeout)

    def build(self, image: str, context: Path, *arguments: str) -> None:
        """Builds an image as Docker would: podman's own format has no health checks."""
        self.run("build", "--format=docker", f"--tag={image}", *arguments, context, timeout=1200)

    def _look_after_health(self) -> None:
        due: dict[str, float] = {}
        while not self._ended.wait(1):
            for name in self._quietly("ps", "--format={{.ID}}").split():
                if time.monotonic() >= due.get(name, 0):
                    self._quietly("healthcheck", "run", name)
                    due[name] = time.monotonic() + self._interval(name)

    def _interval(self, name: str) -> float:
        """How many seconds after a check of a container's health the next one is due."""
        given = self._quietly("inspect", "--format={{.Config.Healthcheck.Interval.Seconds}}", name)
        try:
            return float(given)
        except ValueError:  # it has no check, or is gone
            return 10

    def _quietly(self, *arguments: str) -> str:
        """What a podman command prints, also when it fails: a container may go at any time."""
        return subprocess.run(
            list(map(str, self._command(*arguments))),
            env={**os.environ, **self._environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        ).stdout

    def _unmount(self) -> None:
        """What a command of podman that was interrupted left mounted could not be removed."""
        command = ["umount", "--recursive", "--lazy", str(self._directory / "root" / "overlay")]
        subprocess.run(command, capture_output=True, check=False)  # fails where nothing is left

    def close(self) -> None:
        """Ends containers and engine, and removes what they wrote."""
        self._parts.close()
