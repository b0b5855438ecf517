"""SQL in traces: a client span for each statement that runs inside a trace.

``TracedConnection`` goes to asyncpg as ``connection_class``. Its spans carry the statement's text
and never a value: parameters are left out, and literals in a text that was run without parameters
become ``?``. What is left out, since it says nothing about the work: BEGIN, savepoints and the
pool's reset, which wait for no disk; PREPARE, which runs nothing; and statements outside of any
trace, which would each be a trace of one span (a relay polls for ever). COMMIT stays: that is where
a transaction waits for the disk. An exception is left to the span around it, so that it is recorded
once; the statement's own span has the error status and the SQLSTATE.
"""

from telemetry.database.connection import TracedConnection
from telemetry.database.pool import observe_pool

__all__ = ["TracedConnection", "observe_pool"]
