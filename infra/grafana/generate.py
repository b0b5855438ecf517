"""Writes the dashboards as JSON into `dashboards/`: `python infra/grafana/generate.py`.

With `--check` it writes nothing, and ends with 1 when a file is not what it would write.
"""

import json
import sys
from pathlib import Path

from boards import collector, database, kafka, outbox, service, services, slo, topology
from grafana_foundation_sdk.cog.encoder import JSONEncoder

DIRECTORY = Path(__file__).with_name("dashboards")
BOARDS = (services, service, topology, kafka, outbox, database, slo, collector)


def documents() -> dict[Path, str]:
    """The JSON of each dashboard by the file that it belongs in."""
    found = {}
    for module in BOARDS:
        built = module.build()
        found[DIRECTORY / f"{built.uid}.json"] = (
            json.dumps(built, cls=JSONEncoder, indent=1, sort_keys=True) + "\n"
        )
    return found


def main(arguments: list[str]) -> int:
    """Writes or checks; the exit status."""
    wanted = documents()
    stale = [
        path
        for path in {*wanted, *DIRECTORY.glob("*.json")}
        if not path.exists() or path.read_text() != wanted.get(path)
    ]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path.name} is not up to date: run `make dashboards`\n")
        return 1 if stale else 0
    DIRECTORY.mkdir(exist_ok=True)
    for path in stale:
        if path in wanted:
            path.write_text(wanted[path])
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
