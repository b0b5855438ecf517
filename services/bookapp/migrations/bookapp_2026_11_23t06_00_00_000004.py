"""What error injection's rules must be, and the announcement of their changes."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from bookapp.injection import ErrorInjectionConfig
from error_injection import constrain_rules_table

ID = "2026-11-23T06:00:00:000004"
VERSION = "1.38.0"


async def forwards() -> MigrationManager:
    return constrain_rules_table(ID, "bookapp", ErrorInjectionConfig)
