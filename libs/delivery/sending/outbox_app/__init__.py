"""The outbox as a Piccolo app: its tables and their migrations.

A service lists `delivery.sending.outbox_app.piccolo_app` among the apps that it migrates.
"""
