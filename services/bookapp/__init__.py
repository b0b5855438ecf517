"""The book service: the library's books over HTTP, each change published through the outbox.

Start it with ``python -m bookapp``.
"""
