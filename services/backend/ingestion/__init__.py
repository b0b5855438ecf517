"""From records to the read model."""

from backend.ingestion.handler import Ingestion

__all__ = ["Ingestion"]
