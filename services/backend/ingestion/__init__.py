"""From records to the read model."""

from backend.ingestion.agent import catalogue_agent
from backend.ingestion.handler import Ingestion
from backend.ingestion.ignored import IgnoredChanges

__all__ = ["IgnoredChanges", "Ingestion", "catalogue_agent"]
