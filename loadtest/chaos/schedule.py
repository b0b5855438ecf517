"""What is broken when: drawn from a seed, so that a campaign can be repeated.

The schedule is repeatable to the millisecond; what the faults hit is not, as on any real system.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final

import msgspec

INSTANCES: Final = {"bookapp": 2, "backend": 2, "kafka": 1, "postgres": 1}
"""The parts, and how many processes of each run."""

KINDS: Final = (
    *(f"{part}.{action}" for part in INSTANCES for action in ("kill", "stop", "restart")),
    "backend.join",
)
"""``kill`` is SIGKILL and, after a while, a new start; ``stop`` is SIGSTOP and, after a while,
SIGCONT; ``restart`` is an end in good order and a new start; ``join`` is one more worker that comes
and, after a while, leaves: two rebalances."""

# Seconds. Some stops outlast the relay's lease (6 s) and the group's session (8 s), others do not.
_HOLDS: Final = {"kill": (0.2, 4.0), "stop": (1.0, 14.0), "restart": (0.0, 0.5), "join": (3.0, 8.0)}
_SHORT_HOLDS: Final = {
    "kill": (0.2, 1.5),
    "stop": (1.0, 7.5),
    "restart": (0.0, 0.2),
    "join": (3, 3),
}
_APART: Final = (2.0, 8.0)
_SHORT_APART: Final = (1.0, 2.0)
_FIRST: Final = 1.5


class Fault(msgspec.Struct, frozen=True):
    """One thing done to one part. ``instances`` are the processes of the part that it hits. ``at``
    is in seconds since the load began, ``hold`` the seconds until the part is brought back."""

    kind: str
    at: float
    hold: float
    instances: tuple[int, ...] = (0,)

    @property
    def part(self) -> str:
        return self.kind.partition(".")[0]

    @property
    def action(self) -> str:
        return self.kind.partition(".")[2]

    @property
    def over(self) -> float:
        """When the part is brought back."""
        return self.at + self.hold

    def __str__(self) -> str:
        hit = "" if INSTANCES[self.part] == 1 else f" {','.join(map(str, self.instances))}"
        return f"{self.kind}{hit} for {self.hold:.1f} s"


class UnknownFault(ValueError):
    """The message is one line that lists what there is."""


def parse(text: str) -> list[tuple[str, ...]]:
    """``kafka.kill,bookapp.stop+postgres.kill``: the steps that a schedule is drawn from; faults
    joined by ``+`` come together.

    Raises:
        UnknownFault
    """
    steps = [tuple(step.strip().split("+")) for step in text.split(",")]
    for kind in (kind for step in steps for kind in step):
        if kind not in KINDS:
            raise UnknownFault(f"there is no fault {kind!r}; there are: {', '.join(KINDS)}")
    return steps


def draw(seed: int, seconds: float, steps: Sequence[tuple[str, ...]] = ()) -> list[Fault]:
    """Faults for so long: each kind as often as any other, alone and together with others."""
    random_ = random.Random(seed)
    at = _FIRST
    faults: list[Fault] = []
    for step in _rounds(random_, steps):
        of_step = [_fault(random_, kind, at, _HOLDS) for kind in step]
        at = max(fault.over for fault in of_step)
        if at > seconds:
            return faults
        faults += of_step
        at += random_.uniform(*_APART)
    raise AssertionError("rounds have no end")


def draw_short(seed: int) -> list[Fault]:
    """About half a minute that hits every part, by itself and together with another."""
    random_ = random.Random(seed)
    parts = random_.sample(list(INSTANCES), len(INSTANCES))
    actions = random_.sample(["kill", "stop", "restart", "kill"], len(parts))
    alone = [(f"{part}.{action}",) for part, action in zip(parts, actions, strict=True)]
    pairs = [(f"{parts[0]}.kill", f"{parts[2]}.kill"), (f"{parts[1]}.stop", f"{parts[3]}.kill")]
    steps: list[tuple[str, ...]] = [*alone, ("backend.join",), *pairs]
    random_.shuffle(steps)
    at = _FIRST
    faults: list[Fault] = []
    for step in steps:
        of_step = [_fault(random_, kind, at, _SHORT_HOLDS) for kind in step]
        faults += of_step
        at = max(fault.over for fault in of_step) + random_.uniform(*_SHORT_APART)
    return faults


def _rounds(random_: random.Random, steps: Sequence[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Steps without end: every kind alone, and as many pairs and threes of different parts."""
    while True:
        if steps:
            of_round = list(steps)
        else:
            together = [
                kinds
                for number in (2, 3)
                for kinds in combinations(KINDS, number)
                if len({kind.partition(".")[0] for kind in kinds}) == number
            ]
            of_round = [*((kind,) for kind in KINDS), *random_.sample(together, len(KINDS))]
        random_.shuffle(of_round)
        yield from of_round


def _fault(
    random_: random.Random, kind: str, at: float, holds: dict[str, tuple[float, float]]
) -> Fault:
    part, _, action = kind.partition(".")
    everyone = tuple(range(INSTANCES[part]))
    instances = everyone if random_.random() < 0.3 else (random_.choice(everyone),)
    if action == "join":
        instances = (INSTANCES[part],)
    start = at + random_.uniform(0.0, 0.8)  # together, but not at the same moment
    hold = random_.uniform(*holds[action])
    return Fault(kind, round(start, 3), round(hold, 3), instances)


BOTH: Final = (0, 1)
PLANTED: Final = {
    # Records wait in the workers while PostgreSQL stands still, and the workers die.
    "ack": [
        Fault("backend.stop", 0.5, 3.0, BOTH),
        Fault("postgres.stop", 3.0, 6.0),
        Fault("backend.kill", 7.0, 0.2, BOTH),
    ],
    # Requests are under way in both processes when these die.
    "outbox": [
        Fault("bookapp.kill", 2.0, 0.2, (0,)),
        Fault("bookapp.kill", 3.0, 0.2, (1,)),
    ],
    # What was applied and not yet committed is delivered again.
    "guard": [
        Fault("backend.kill", 2.5, 0.2, (0,)),
        Fault("backend.kill", 3.2, 0.2, (1,)),
    ],
}
"""For each planted bug (see ``planted``) the faults that bring it to light."""
