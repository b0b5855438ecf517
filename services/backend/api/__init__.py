"""The backend's HTTP API: read-only, over the read model that ``backend.ingestion`` writes."""

from backend.api.app import create_api

__all__ = ["create_api"]
