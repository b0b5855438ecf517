"""Everything that makes a service observable: traces, metrics, logs and Sentry.

``configure()`` sets a process up; there is one module each for what it then takes part in:
``http`` and ``client``, ``database``, ``kafka``, ``logs``, ``metrics``, ``sentry``. Nothing here
knows of books, or of retries.
"""

from telemetry.configure import Telemetry, configure
from telemetry.environment import SettingsError, read_settings
from telemetry.settings import TelemetrySettings, read_telemetry_settings

__all__ = [
    "SettingsError",
    "Telemetry",
    "TelemetrySettings",
    "configure",
    "read_settings",
    "read_telemetry_settings",
]
