"""The demo's Kafka: librdkafka's in-process broker, in a process of its own.

It speaks the Kafka protocol to any client (groups, offsets, headers), lives in memory with a few
MB per partition, and forgets at its end. It chooses its own port, creates topics of four
partitions when they are first asked for, and does not answer requests to create topics. One worker
per group: a rebalance waits for the session time-out. Anything beyond that wants a real Kafka.

Run as a program (`python -m embedded.broker TOPIC…`) it is the broker; `Broker` starts and stops
that program.
"""

import signal
import sys
from collections.abc import Sequence

from embedded.closing import Closing
from embedded.processes import Process, StartError


class Broker(Closing):
    """A running broker with its topics made. Raises StartError when it does not come up."""

    def __init__(self, topics: Sequence[str] = ()) -> None:
        self.process = Process(
            "The embedded Kafka broker", [sys.executable, "-m", "embedded.broker", *topics]
        )
        try:
            address = self.process.wait_for_line(r"^listening on (\S+)$", 30).group(1)
        except BaseException:
            self.process.kill()
            raise
        self.url: str = address
        """`host:port`, as in bootstrap.servers."""

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing is answered."""
        self.process.pause()

    def resume(self) -> None:
        self.process.resume()

    def close(self) -> None:
        """Stop it; everything that it held is gone."""
        self.process.stop(timeout=3)


def serve(topics: Sequence[str]) -> None:
    """Be the broker until SIGTERM or SIGINT."""
    try:
        from confluent_kafka import Producer
    except ImportError as error:
        raise StartError(f"confluent-kafka is not installed: {error}.") from error

    stop = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)  # before librdkafka's threads inherit the mask
    # The configured address is ignored: the mock replaces it with its own.
    settings = {"bootstrap.servers": "unused:1", "test.mock.num.brokers": 1, "log_level": 3}
    producer = Producer(settings)
    metadata = producer.list_topics(timeout=10)
    broker = next(iter(metadata.brokers.values()))
    for topic in topics:
        producer.list_topics(topic, timeout=10)  # asking for a topic creates it
    print(f"listening on {broker.host}:{broker.port}", flush=True)
    signal.sigwait(stop)


if __name__ == "__main__":
    serve(sys.argv[1:])
