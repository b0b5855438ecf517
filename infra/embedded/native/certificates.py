"""Certificates for the servers of a test, made with openssl; each is its own authority."""

from pathlib import Path

import msgspec

from embedded.native.cache import run, tool

INSTALL_OPENSSL = "install it (Debian: openssl)"


class Certificate(msgspec.Struct, frozen=True):
    """PEM files: the certificate, which is also what clients have to trust; its key; and both."""

    certificate: Path
    key: Path
    both: Path


def self_signed(directory: Path, name: str) -> Certificate:
    """A certificate for 127.0.0.1, valid for two days. Raises MissingTool without openssl."""
    made = Certificate(*(directory / f"{name}.{kind}" for kind in ("pem", "key", "both")))
    run(
        [
            *(tool("openssl", INSTALL_OPENSSL), "req", "-x509", "-nodes", "-days", "2"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-keyout", made.key, "-out", made.certificate, "-subj", f"/CN={name}"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        cwd=directory,
        timeout=60,
    )
    made.both.write_text(made.key.read_text() + made.certificate.read_text())
    return made
