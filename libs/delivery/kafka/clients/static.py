"""A static member of a consumer group that keeps to Kafka's rule for two of one name: the last one
to come is the member, and the one before it is fenced.

aiokafka does not know that a member can be fenced. Its heartbeats do not carry the instance's id,
so that it is told that it is unknown, and joins as a new member: it takes the name back, and so
does the other, for ever. Here it asks under the id that it was a member with. Kafka then says
whether somebody else has the name, or nobody: then it may have it again.
"""

from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import NoError, UnknownMemberIdError
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest

from delivery.kafka.remedies import InstanceFencedError

_FENCED_INSTANCE_ID: Final = 82
"""https://kafka.apache.org/protocol#protocol_error_codes"""


class _Fenced(Exception):
    """What passes aiokafka's own handling of errors."""


class StaticMember:
    """One instance id of a group, in one consumer after the other."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._member_id = JoinGroupRequest.UNKNOWN_MEMBER_ID

    def go_on_in(self, consumer: AIOKafkaConsumer) -> None:
        """Be this member in a consumer that is started, and has not subscribed yet.

        What the consumer's user calls then raises InstanceFencedError while another has the name.
        """
        coordinator: Any = consumer._coordinator
        coordinator.member_id = self._member_id
        send, rejoin = coordinator._send_req, coordinator._do_rejoin_group

        async def send_and_look(request: Any) -> Any:
            response = await send(request)
            if isinstance(request, JoinGroupRequest | SyncGroupRequest):
                if response.error_code == _FENCED_INSTANCE_ID:
                    raise _Fenced
                if isinstance(request, JoinGroupRequest):
                    self._note(response, coordinator)
            return response

        async def rejoin_or_say(subscription: Any) -> Any:
            try:
                return await rejoin(subscription)
            except _Fenced:
                raise InstanceFencedError(self._instance) from None

        def forget_generation_alone() -> None:
            coordinator.generation = OffsetCommitRequest.DEFAULT_GENERATION_ID
            coordinator.request_rejoin()

        coordinator._send_req = send_and_look
        coordinator._do_rejoin_group = rejoin_or_say
        coordinator.reset_generation = forget_generation_alone

    def _note(self, joined: Any, coordinator: Any) -> None:
        if joined.error_code == NoError.errno:
            self._member_id = joined.member_id
        elif joined.error_code == UnknownMemberIdError.errno:  # nobody has the name
            self._member_id = coordinator.member_id = JoinGroupRequest.UNKNOWN_MEMBER_ID
