"""Waiting ends with the value, or with what was seen last."""

import pytest

from embedded.waiting import poll_until, wait_until


def test_the_first_true_value_is_returned():
    values = iter([None, 0, "yes"])
    assert wait_until(lambda: next(values), 5, interval=0) == "yes"


async def test_a_coroutine_function_may_be_the_condition():
    values = iter([None, "yes"])

    async def condition():
        return next(values)

    assert await poll_until(condition, 5, interval=0) == "yes"


async def test_the_deadline_says_what_was_waited_for_and_what_was_seen():
    with pytest.raises(TimeoutError, match=r"^three spans was not met within 0\.05 s; .*: \[\]$"):
        wait_until(lambda: [], 0.05, what="three spans")
    with pytest.raises(TimeoutError, match="three spans"):
        await poll_until(lambda: [], 0.05, what="three spans")


def test_an_exception_is_no_reason_to_wait():
    with pytest.raises(ZeroDivisionError):
        wait_until(lambda: 1 / 0, 5)
