"""Grafana's dashboards as Python: one module each, and what they share in `panels` and `board`.

`generate.py` writes them as JSON into ../dashboards, which Grafana reads. Edit here, not there.
"""
