"""Python's garbage collector, told what a service is.

What the start made (modules, routes, schemas) lives as long as the process: frozen, no collection
looks at it again. A request or a record makes a few hundred objects and no cycles to speak of, but
its spans stay until they are exported, and each early collection walks over all that wait: where
everything is traced, that is a tenth of the time. So collections may be rare.
"""

import gc
from typing import Final

YOUNGEST: Final = 20_000
"""Allocations, less deallocations, between two collections of the youngest (Python: 700)."""


def settle() -> None:
    """Call once, when the service has started."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNGEST, 20, 50)
