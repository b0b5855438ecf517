"""Work that is to be done in the database now and then, and never urgently."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from delivery.postgres.errors import is_passing

logger = logging.getLogger(__name__)


async def do_now_and_then(work: Callable[[], Awaitable[object]], every: float) -> None:
    """Do it at once, and again after ``every`` seconds, less a draw that keeps processes apart.

    Cancel it to end it. While the database is away, or busy, it is left for the next time; another
    error is raised.
    """
    while True:
        try:
            await work()
        except Exception as error:
            if not is_passing(error):
                raise
            logger.info("left for the next time: %s", type(error).__name__)
        await asyncio.sleep(every * random.uniform(0.5, 1.0))
