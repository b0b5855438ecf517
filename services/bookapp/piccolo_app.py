"""bookapp's tables and migrations, as Piccolo wants them named."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from bookapp.books.tables import Book, IdempotencyKey
from bookapp.injection import ErrorInjectionConfig

APP_CONFIG = AppConfig(
    app_name="bookapp",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[Book, IdempotencyKey, ErrorInjectionConfig],
    migration_dependencies=[],
)
