"""The stack tests run on real servers, started natively: see `embedded.native`."""

from embedded.native.testing import kafka, kafka_url

__all__ = ["kafka", "kafka_url"]
