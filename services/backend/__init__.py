"""The catalogue: reads the ``book_ingestion`` topic, and serves what it made of it over HTTP."""
