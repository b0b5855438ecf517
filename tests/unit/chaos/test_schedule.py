"""The schedule of faults can be repeated, and leaves nothing out."""

from collections import Counter

import pytest
from loadtest.chaos import schedule


def test_a_seed_gives_one_schedule() -> None:
    assert schedule.draw(3, 300) == schedule.draw(3, 300)
    assert schedule.draw(3, 300) != schedule.draw(4, 300)
    assert schedule.draw_short(3) == schedule.draw_short(3)


def test_a_long_schedule_has_every_kind_and_some_together() -> None:
    faults = schedule.draw(5, 600)
    assert {fault.kind for fault in faults} == set(schedule.KINDS)
    assert max(fault.over for fault in faults) <= 600
    assert any(
        one.part != other.part and one.at < other.at < one.over
        for one in faults
        for other in faults
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_short_schedule_hits_every_part_within_a_minute(seed: int) -> None:
    faults = schedule.draw_short(seed)
    assert {fault.part for fault in faults} == set(schedule.INSTANCES)
    assert max(fault.over for fault in faults) < 60


def test_a_schedule_can_be_drawn_from_some_faults_alone() -> None:
    steps = schedule.parse("kafka.kill,bookapp.stop+postgres.kill")
    kinds = Counter(fault.kind for fault in schedule.draw(1, 300, steps))
    assert set(kinds) == {"kafka.kill", "bookapp.stop", "postgres.kill"}


def test_an_unknown_fault_is_refused_with_a_list_of_those_there_are() -> None:
    with pytest.raises(schedule.UnknownFault, match=r"'kafka\.burn'.*kafka\.kill"):
        schedule.parse("kafka.burn")
