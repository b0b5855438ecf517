"""Kafka as this library uses it: Faust's application and transport, settings, topics."""
