"""The schedule of faults can be repeated, and leaves nothing out."""

from itertools import islice

import pytest
from loadtest.chaos import schedule
from loadtest.chaos.schedule import KINDS


def kinds_of(steps: list[schedule.Step]) -> set[str]:
    return {fault.kind for step in steps for fault in step.faults}


def test_a_seed_gives_one_schedule() -> None:
    assert [*islice(schedule.draw(3), 100)] == [*islice(schedule.draw(3), 100)]
    assert [*islice(schedule.draw(3), 5)] != [*islice(schedule.draw(4), 5)]
    assert schedule.draw_short(3) == schedule.draw_short(3)


def test_a_round_has_every_kind_alone_and_as_many_steps_of_several() -> None:
    steps = [*islice(schedule.draw(5), 2 * len(KINDS))]
    alone = [step.faults[0].kind for step in steps if len(step.faults) == 1]
    assert sorted(alone) == sorted(KINDS)
    assert len(steps) == 2 * len(alone)
    for step in steps:
        parts = [fault.part for fault in step.faults]
        assert len(parts) == len(set(parts))


@pytest.mark.parametrize("seed", range(20))
def test_a_short_schedule_hits_every_part_alone_and_together(seed: int) -> None:
    steps = schedule.draw_short(seed)
    alone = [step for step in steps if len(step.faults) == 1]
    together = [step for step in steps if len(step.faults) > 1]
    for some in (alone, together):
        assert {fault.part for step in some for fault in step.faults} == set(schedule.INSTANCES)
    held = [max(fault.after + fault.hold for fault in step.faults) for step in steps]
    assert sum(held) + sum(step.pause for step in steps) < 60


def test_a_schedule_can_be_drawn_from_some_faults_alone() -> None:
    choice = schedule.parse("kafka.kill,bookapp.stop+postgres.kill")
    steps = [*islice(schedule.draw(1, choice), 10)]
    assert kinds_of(steps) == {"kafka.kill", "bookapp.stop", "postgres.kill"}
    assert {len(step.faults) for step in steps} == {1, 2}


def test_an_unknown_fault_is_refused_with_a_list_of_those_there_are() -> None:
    with pytest.raises(schedule.UnknownFault, match=r"'kafka\.burn'.*kafka\.kill"):
        schedule.parse("kafka.burn")
