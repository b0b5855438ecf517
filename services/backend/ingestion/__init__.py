"""From records to the read model."""

from backend.ingestion.handler import Ingestion
from backend.ingestion.ignored import IgnoredChanges

__all__ = ["IgnoredChanges", "Ingestion"]
