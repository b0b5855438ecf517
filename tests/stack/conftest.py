"""The stack tests run on real servers, started natively: see `embedded.native`."""

from embedded.native.testing import bugsink, kafka, kafka_url

__all__ = ["bugsink", "kafka", "kafka_url"]
