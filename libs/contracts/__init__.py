"""What the services agree on: records, topics, problem details and the backend's HTTP client.

Nothing here does I/O of its own, and nothing here knows how a service keeps its promises: a service
may be rewritten, or written in another language, against this package's recorded schemas alone.
"""
