"""The real parts of the stack, started natively on loopback, for tests where no container can run.

Each module starts one part: `kafka` (Apache Kafka), `collector` (OpenTelemetry Collector),
`prometheus`, `bugsink` (a server that speaks Sentry's protocol); `observed` starts them all around
the services. `linters` and `queries` are tools that check what is deployed. What a part needs is
fetched or built once, by the package manager that publishes it, and kept under the user's cache
directory (`cache`).
"""
