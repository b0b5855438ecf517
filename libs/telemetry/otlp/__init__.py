"""Traces and logs to a Collector over OTLP, at a fraction of the stock exporter's cost.

``wire`` and ``groups`` have what all signals share, ``spans`` and ``logs`` the encoders,
``exporters`` the stock HTTP exporters with these encoders in front. Metrics stay with the stock
exporter: they are sent once a minute, not once a request.
"""
