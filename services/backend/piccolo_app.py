"""backend's tables and migrations, as Piccolo wants them named."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from backend.dead_letters import DeadLetterRow
from backend.ingestion.tables import Book, IgnoredChange
from backend.injection import ErrorInjectionConfig

APP_CONFIG = AppConfig(
    app_name="backend",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[Book, IgnoredChange, DeadLetterRow, ErrorInjectionConfig],
    migration_dependencies=[],
)
