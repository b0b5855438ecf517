"""``python -m bookapp``: the service as a process of its own; ``--help`` says what it takes."""

import os
import sys
from collections.abc import Sequence

from bookapp.settings import read_all
from serving import CannotListenError, config, listen, read_arguments, run
from telemetry import SettingsError
from telemetry.logs import configure_logging


def main(arguments: Sequence[str]) -> None:
    """Serve until a signal ends it. Raises SystemExit, with one line, when it cannot start."""
    chosen = read_arguments("python -m bookapp", "The book service.", arguments)
    try:
        _, _, telemetry = read_all(os.environ)
        listening = listen(chosen.host, chosen.port, "--host", "--port")
    except (SettingsError, CannotListenError) as error:
        raise SystemExit(f"bookapp: {error}") from None
    configure_logging(telemetry, None)  # of this process, also when it only minds the workers
    run(
        config("bookapp.app:app", workers=chosen.workers, root_path=chosen.root_path),
        listening,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
