"""The targets that look after the repository; those that ask somebody ask a server of ours."""

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAULTY = "msgspec"


class KnownFaults(http.server.BaseHTTPRequestHandler):
    """OSV's interface, which knows one fault of one package."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        package = asked["package"]["name"]
        fault = {
            "id": "PYSEC-0000-1",
            "modified": "2026-01-01T00:00:00Z",
            "summary": "an invented fault",
            "affected": [
                {
                    "package": {"name": FAULTY, "ecosystem": "PyPI"},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
                }
            ],
        }
        body = json.dumps({"vulns": [fault]} if package == FAULTY else {}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def known_faults() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), KnownFaults)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()


def make(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )


@pytest.mark.timeout(700)
def test_the_audit_names_a_pinned_version_with_a_known_fault(known_faults: str) -> None:
    audit = make("audit", f"ARGS=-s osv --osv-url {known_faults}")
    assert audit.returncode != 0
    assert "PYSEC-0000-1" in audit.stdout
    assert "Found 1 known vulnerability in 1 package" in audit.stderr


@pytest.mark.timeout(700)
def test_the_list_of_what_is_installed_has_versions_and_licences() -> None:
    assert make("sbom").returncode == 0
    document = json.loads((ROOT / "build" / "sbom.cdx.json").read_text())
    assert document["bomFormat"] == "CycloneDX"
    assert document["metadata"]["component"]["name"] == "event-driven-books"
    parts = {part["name"]: part for part in document["components"]}
    assert parts["faust-streaming"]["version"] in (ROOT / "constraints.txt").read_text()
    assert parts["litestar"]["licenses"]
