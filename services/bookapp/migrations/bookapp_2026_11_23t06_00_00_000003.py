"""The table of error injection's rules."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from bookapp.injection import ErrorInjectionConfig
from error_injection import create_rules_table

ID = "2026-11-23T06:00:00:000003"
VERSION = "1.38.0"


async def forwards() -> MigrationManager:
    return create_rules_table(ID, "bookapp", ErrorInjectionConfig)
