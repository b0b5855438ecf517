"""`make load`: the locustfile, headless for a minute, against the embedded stack or HOST=….

Exit status 0 when every request was answered as it should be (or as many as `--fail-above` asks
for), 1 when not; Locust prints the summary. What the load caused can be looked at on the page while
it runs (the embedded stack) or wherever the given host sends its telemetry.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path

from embedded.processes import StartError
from embedded.services import bare_environment, start_service
from embedded.stack import Stack, StackSettings

LOCUSTFILE = Path(__file__).with_name("locustfile.py")


def main() -> int:
    """Start what is needed, run Locust, give its exit status."""
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--host", help="a bookapp that runs already, such as http://127.0.0.1:8000")
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--fail-above", type=float, default=0.0, metavar="RATE")
    options = parser.parse_args()
    environment = bare_environment(os.environ)
    telemetry = {name: value for name, value in os.environ.items() if name.startswith("OTEL_")}
    try:
        with contextlib.ExitStack() as stack:
            host = options.host
            if not host:
                embedded = stack.enter_context(
                    Stack(
                        StackSettings(environment=environment),
                        lambda part, seconds: print(f"  ok  {part} ({seconds:.1f} s)", flush=True),
                    )
                )
                host = embedded.bookapp_url
                if embedded.receiver:
                    telemetry["OTEL_EXPORTER_OTLP_ENDPOINT"] = embedded.receiver.endpoint
                    print(f"  page: {embedded.receiver.endpoint}")
            print(f"load: {options.users} users for {options.seconds} s on {host}", flush=True)
            # fmt: off
            command = [
                "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary",
                "--host", host, "--users", str(options.users), "--spawn-rate", "10",
                "--run-time", f"{options.seconds}s", "--stop-timeout", "5",
                "--fail-above", str(options.fail_above),
            ]
            # fmt: on
            locust = start_service("locust", command, {**environment, **telemetry})
            stack.callback(locust.stop)
            status = locust.wait(options.seconds + 60)
            print("\n".join(locust.lines))
            return status
    except StartError as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
