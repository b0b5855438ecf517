"""From the broker to an effect: Faust's agents, which lose nothing.

``agent.Agent`` says what is promised. How it is kept:

- Who fetches, and who commits? ``consumer``: it hands records over in lists, and commits up to
  where everything is done.
- Which offset is that? ``partition``: what waits, and how far the finished records reach.
- Where is the retry? ``actor`` runs the body on one partition, and again when it raises; ``retry``
  decides which failures pass, how long to wait, and when it is the agent that is broken.
- Where are the dead letters? ``source``: reads a record, starts its span, buries what fails.
- What does the body read? ``stream``: Faust's words, over what the actor hands over.
- ``channel``: an agent on a channel of this process; ``testing``: an agent alone, in a unit test;
  ``counting``: what Faust's sensors are told.
"""

from delivery.receiving.agent import Agent, Status
from delivery.receiving.retry import Classify, PermanentError, RetryPolicy, is_passing
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
