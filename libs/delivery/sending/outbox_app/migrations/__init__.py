"""Migrations of the outbox; file names are unique across all apps, Piccolo imports them by name."""
