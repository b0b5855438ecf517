"""What is broken when: drawn from a seed, so that a campaign can be repeated.

The same seed gives the same steps in the same order. When exactly each begins depends on how long
the parts take to start, and what it hits on chance, as on any real system.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
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
_PAUSE: Final = (0.5, 5.0)
_SETTLED: Final = 0.7
"""The part of the steps after which recovery is waited for."""
_SHORT_HOLDS: Final = {**_HOLDS, "kill": (0.2, 1.0), "stop": (1.0, 7.5), "join": (3.0, 3.0)}
_SHORT_PAUSE: Final = (0.5, 1.5)


class Fault(msgspec.Struct, frozen=True):
    """One thing done to one part. ``instances`` are the processes of the part that it hits;
    ``after`` is in seconds since its step began, ``hold`` the seconds until it is undone."""

    kind: str
    after: float
    hold: float
    instances: tuple[int, ...] = (0,)

    @property
    def part(self) -> str:
        return self.kind.partition(".")[0]

    @property
    def action(self) -> str:
        return self.kind.partition(".")[2]

    def __str__(self) -> str:
        hit = "" if INSTANCES[self.part] == 1 else f" {','.join(map(str, self.instances))}"
        return f"{self.kind}{hit} for {self.hold:.1f} s"


class Step(msgspec.Struct, frozen=True):
    """Faults that come together. Afterwards, all are waited for until they are ready again, when
    the step is to ``settle``; otherwise the next step comes into the recovery. Then there is a
    ``pause``, in seconds."""

    faults: tuple[Fault, ...]
    pause: float
    settle: bool = True

    def __str__(self) -> str:
        return " and ".join(map(str, self.faults))


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


def draw(seed: int, choice: Sequence[tuple[str, ...]] = ()) -> Iterator[Step]:
    """Steps without end: in each round every kind alone once, and as many pairs and threes of
    different parts; or else what ``choice`` has, each once in a round."""
    random_ = random.Random(seed)
    together = [
        kinds
        for number in (2, 3)
        for kinds in combinations(KINDS, number)
        if len({kind.partition(".")[0] for kind in kinds}) == number
    ]
    while True:
        of_round = list(choice)
        if not of_round:
            of_round = [*((kind,) for kind in KINDS), *random_.sample(together, len(KINDS))]
        random_.shuffle(of_round)
        for kinds in of_round:
            yield _step(random_, kinds, _HOLDS, _PAUSE)


def draw_short(seed: int) -> list[Step]:
    """About half a minute that hits every part, by itself and together with another."""
    random_ = random.Random(seed)
    parts = random_.sample(list(INSTANCES), len(INSTANCES))
    actions = random_.sample(["kill", "stop", "restart", "kill"], len(parts))
    steps: list[tuple[str, ...]] = [
        *((f"{part}.{action}",) for part, action in zip(parts, actions, strict=True)),
        ("backend.join",),
        (f"{parts[0]}.kill", f"{parts[2]}.kill"),
        (f"{parts[1]}.stop", f"{parts[3]}.kill"),
    ]
    random_.shuffle(steps)
    return [_step(random_, kinds, _SHORT_HOLDS, _SHORT_PAUSE) for kinds in steps]


def _step(
    random_: random.Random,
    kinds: tuple[str, ...],
    holds: Mapping[str, tuple[float, float]],
    pause: tuple[float, float],
) -> Step:
    faults = tuple(_fault(random_, kind, holds) for kind in kinds)
    return Step(faults, round(random_.uniform(*pause), 3), random_.random() < _SETTLED)


def _fault(random_: random.Random, kind: str, holds: Mapping[str, tuple[float, float]]) -> Fault:
    part, _, action = kind.partition(".")
    everyone = tuple(range(INSTANCES[part]))
    instances = everyone if random_.random() < 0.3 else (random_.choice(everyone),)
    if action == "join":
        instances = (INSTANCES[part],)
    after = random_.uniform(0.0, 0.8)  # together, but not at the same moment
    return Fault(kind, round(after, 3), round(random_.uniform(*holds[action]), 3), instances)


_BOTH: Final = (0, 1)
PLANTED: Final = {
    # Records wait in the workers while PostgreSQL stands still, and the workers die.
    "ack": Step(
        (
            Fault("backend.stop", 0.5, 3.0, _BOTH),
            Fault("postgres.stop", 3.0, 6.0),
            Fault("backend.kill", 7.0, 0.2, _BOTH),
        ),
        0.0,
    ),
    # Requests are under way in both processes when these die.
    "outbox": Step(
        (Fault("bookapp.kill", 2.0, 0.2, (0,)), Fault("bookapp.kill", 3.0, 0.2, (1,))), 0.0
    ),
    # What was applied and not yet committed is delivered again.
    "guard": Step(
        (Fault("backend.kill", 2.5, 0.2, (0,)), Fault("backend.kill", 3.2, 0.2, (1,))), 0.0
    ),
}
"""For each planted bug (see ``planted``) the faults that bring it to light."""
