"""What Piccolo needs to know of the outbox."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from delivery.sending.outbox_app.tables import OutboxRow, RelayLease

APP_CONFIG = AppConfig(
    app_name="outbox",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[OutboxRow, RelayLease],
)
