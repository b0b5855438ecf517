"""A static member asks for its place under the id that it had, and takes it from nobody."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest

from delivery.kafka.clients.static import StaticMember
from delivery.kafka.remedies import InstanceFencedError

NONE, UNKNOWN, FENCED = 0, 25, 82


class Coordinator:
    """What StaticMember uses of aiokafka's, on a group that answers with these codes."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.member_id, self.generation, self.rejoins = "", -1, 0

    async def _send_req(self, request: Any) -> Any:
        return SimpleNamespace(error_code=self.codes.pop(0), member_id="twin-1")

    async def _do_rejoin_group(self, subscription: Any) -> bool:
        join = JoinGroupRequest("g", 1, 1, self.member_id, "twin", "consumer", [])
        joined = await self._send_req(join)
        if joined.error_code == NONE:
            self.member_id, self.generation = joined.member_id, 1
            await self._send_req(SyncGroupRequest("g", 1, self.member_id, "twin", []))
        return self.generation == 1

    def request_rejoin(self) -> None:
        self.rejoins += 1


def member(static: StaticMember, *codes: int) -> Any:
    """A new consumer's coordinator, with the member in it."""
    coordinator = Coordinator(*codes)
    static.go_on_in(SimpleNamespace(_coordinator=coordinator))
    return coordinator


async def test_a_member_that_is_not_known_asks_under_its_id_whether_its_name_is_taken() -> None:
    static = StaticMember("twin")
    first = member(static, NONE, NONE, FENCED)
    assert await first._do_rejoin_group(None)
    first.reset_generation()  # after a heartbeat, or a commit
    assert (first.member_id, first.generation, first.rejoins) == ("twin-1", -1, 1)
    with pytest.raises(InstanceFencedError, match="twin"):
        await first._do_rejoin_group(None)

    again = member(static, FENCED, UNKNOWN, NONE, NONE)
    with pytest.raises(InstanceFencedError):
        await again._do_rejoin_group(None)
    assert again.member_id == "twin-1"
    assert not await again._do_rejoin_group(None)  # the other one is gone
    assert again.member_id == ""
    assert await again._do_rejoin_group(None)


async def test_a_member_can_be_fenced_between_join_and_assignment() -> None:
    with pytest.raises(InstanceFencedError, match="twin"):
        await member(StaticMember("twin"), NONE, FENCED)._do_rejoin_group(None)
