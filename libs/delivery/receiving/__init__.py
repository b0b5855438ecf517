"""From the broker to an effect: Faust's agents, which lose nothing.

What is promised stands in ``agent.Agent``. In it come together ``stream`` (what the body reads),
``actor`` (runs the body, and again when it raises: the retry), ``retry`` (what passes, how often),
``circuit`` (when everything fails), ``partition`` and ``progress`` (what waits, what is done),
``source`` (decoding, spans, dead letters) and ``consumer`` (fetches, and commits).
"""

from delivery.receiving.agent import Agent
from delivery.receiving.retry import Classify, PermanentError, RetryPolicy, is_passing
from delivery.receiving.status import Status
from delivery.receiving.stream import Stream

__all__ = [
    "Agent",
    "Classify",
    "PermanentError",
    "RetryPolicy",
    "Status",
    "Stream",
    "is_passing",
]
