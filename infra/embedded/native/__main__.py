"""`python -m embedded.native`: has this machine what the real parts are made with?

One line for each program that is missing, with what to install, and exit status 1 when one is.
`--debian` prints the names of Debian's packages for what is missing instead, and ends with 0; the
browser of the page's tests is among them (without one they are left out).
`--containers` is about what `make compose-test` needs as well.
"""

import argparse
import shutil
import sys
from collections.abc import Callable

from embedded.browser import chromium
from embedded.native.cache import MissingTool, tool
from embedded.native.certificates import INSTALL_OPENSSL
from embedded.native.containers import (
    INSTALL_DEBOOTSTRAP,
    INSTALL_PODMAN,
    debians_keys,
    podmans_networks,
)
from embedded.native.gomodule import INSTALL_GO
from embedded.native.kafka import INSTALL_JAVA, java
from embedded.native.linters import INSTALL_NPM
from embedded.native.pgbouncer import installed_pgbouncer
from embedded.native.postgres import installed_postgres
from embedded.native.queries import INSTALL_NODE

# Debian's Go is too old: see `.ci/run` for where one comes from.
PROGRAMS = {
    "mvn": (INSTALL_JAVA, "maven"),
    "go": (INSTALL_GO, None),
    "node": (INSTALL_NODE, "nodejs"),
    "npm": (INSTALL_NPM, "npm"),
    "openssl": (INSTALL_OPENSSL, "openssl"),
}

CONTAINERS = {
    "podman": (INSTALL_PODMAN, "podman"),
    "runc": (INSTALL_PODMAN, "runc"),
    "iptables": (INSTALL_PODMAN, "iptables"),
    "debootstrap": (INSTALL_DEBOOTSTRAP, "debootstrap"),
}


def missing(containers: bool) -> dict[str, str | None]:
    """What is missing, each as one line, with Debian's package for it where there is one."""
    found: dict[str, str | None] = {}
    checks: list[tuple[Callable[[], object], str]] = [
        (java, "openjdk-17-jdk-headless"),
        (installed_postgres, "postgresql"),
        (installed_pgbouncer, "pgbouncer"),
    ]
    if containers:
        checks += [
            (podmans_networks, "netavark aardvark-dns"),
            (debians_keys, "debian-archive-keyring"),
        ]
    for check, package in checks:
        try:
            check()
        except MissingTool as error:
            found[str(error)] = package
    for program, (hint, packaged) in {**PROGRAMS, **(CONTAINERS if containers else {})}.items():
        try:
            tool(program, hint)
        except MissingTool as error:
            found[str(error)] = packaged
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m embedded.native", description=__doc__)
    parser.add_argument("--debian", action="store_true", help="print packages to install")
    parser.add_argument("--containers", action="store_true", help="for make compose-test too")
    options = parser.parse_args()
    found = missing(options.containers)
    if options.debian:
        wanted = [package for package in found.values() if package]
        print(" ".join([*wanted, *([] if chromium() else ["chromium"])]))
        return 0
    for line in found:
        print(line, file=sys.stderr)
    if found and shutil.which("apt-get"):
        packages = " ".join(package for package in found.values() if package)
        print(f"On Debian: apt-get install {packages}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
