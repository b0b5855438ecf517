"""Apache Kafka on loopback: one broker in KRaft mode, from the jars that its project publishes.

Promises: `start()` returns when the broker answers; a stop, kill or suspend keeps the data, and the
next `start()` serves it on the same port; topics are not created by a mere mention, as on a broker
in production; the process does not outlive ours.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from embedded.native.cache import MissingTool, fingerprint, provide, run, tool
from embedded.native.server import Server, lasting_port

POM = Path(__file__).with_name("kafka-pom.xml")
CLUSTER_ID = "AAAAAAAAAAAAAAAAAAAAAQ"  # any 16 bytes in base64
COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
OLDEST_JAVA = 17
INSTALL_JAVA = "install a JDK 17 or newer and Maven (Debian: openjdk-17-jdk-headless, maven)"

# One node holds every replica; a killed broker may register again soon; groups form at once.
SERVER_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "auto.create.topics.enable": "false",
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "log.cleaner.dedupe.buffer.size": "16777216",
}

LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""


def kafka_version() -> str:
    """The version that the pom pins, for instance `4.3.1`."""
    found = ElementTree.parse(POM).findtext(".//{*}kafka.version")  # noqa: S314 - our own file
    if not found:
        raise ValueError(f"{POM.name} pins no kafka.version")
    return found


def jars() -> Path:
    """The directory with the broker's jars, fetched with Maven when it is not in the cache.

    Raises MissingTool when there is no Java or no Maven.
    """

    def fill(directory: Path) -> None:
        maven = tool("mvn", INSTALL_JAVA)
        shutil.copy(POM, directory / "pom.xml")
        output = f"-DoutputDirectory={directory / 'jars'}"
        run([maven, "--batch-mode", "--quiet", COPY_JARS, output], cwd=directory)

    pom = POM.read_text()
    return provide(f"kafka-{kafka_version()}", fingerprint(pom), fill) / "jars"


def java() -> str:
    """Path of a java that is new enough; raises MissingTool otherwise."""
    found = tool("java", INSTALL_JAVA)
    said = run([found, "-version"], cwd=Path.cwd(), timeout=60)
    major = said.split('"')[1].split(".")[0] if '"' in said else "0"
    if int(major) < OLDEST_JAVA:
        raise MissingTool(f"java is version {major}, Kafka needs {OLDEST_JAVA}: {INSTALL_JAVA}")
    return found


class Kafka(Server):
    """One broker. `url` is its `host:port`.

    `port` 0 takes a free one and keeps it. Without `data_dir` the data goes with `close()`.
    `properties` are added to server.properties and win over ours; `listeners` names further
    listeners by security protocol with their ports (`{"SASL_SSL": 0}`), whose addresses are in
    `urls`; `format_arguments` go to the storage tool (`--add-scram …`).
    """

    name = "Apache Kafka"

    def __init__(
        self,
        port: int = 0,
        data_dir: Path | None = None,
        *,
        properties: Mapping[str, str] | None = None,
        listeners: Mapping[str, int] | None = None,
        format_arguments: Sequence[str] = (),
        heap: str = "512m",
    ) -> None:
        super().__init__(port, data_dir)
        ports = {"PLAINTEXT": self.port, **(listeners or {})}
        self.urls = {name: f"127.0.0.1:{at or lasting_port()}" for name, at in ports.items()}
        self.url = self.urls["PLAINTEXT"]
        self._controller = f"127.0.0.1:{lasting_port()}"
        self._properties = dict(properties or {})
        self._format_arguments = tuple(format_arguments)
        self._heap = heap
        self._prepared: list[str] = []

    def _command(self) -> Sequence[str | Path]:
        self._prepared = self._prepared or self._prepare()
        return self._prepared

    def _prepare(self) -> list[str]:
        """Writes the configuration and formats the storage, unless that was done before."""
        logging = self.directory / "log4j2.properties"
        logging.write_text(LOGGING)
        virtual_machine = [
            java(),
            f"-Xmx{self._heap}",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",  # a test's broker lives too briefly to earn the second tier
            f"-Dlog4j2.configurationFile={logging}",
            "-cp",
            f"{jars()}/*",
        ]
        properties = self.directory / "server.properties"
        settings = {**SERVER_PROPERTIES, **self._addresses(), **self._properties}
        properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        tool = ["kafka.tools.StorageTool", "format", "--standalone", "--ignore-formatted"]
        cluster = ["--cluster-id", CLUSTER_ID, "--config", str(properties)]
        run([*virtual_machine, *tool, *cluster, *self._format_arguments], cwd=self.directory)
        return [*virtual_machine, "kafka.Kafka", str(properties)]

    def _addresses(self) -> dict[str, str]:
        listeners = [f"{name}://{address}" for name, address in self.urls.items()]
        protocols = ["CONTROLLER:PLAINTEXT", *(f"{name}:{name}" for name in self.urls)]
        return {
            "listeners": ",".join([*listeners, f"CONTROLLER://{self._controller}"]),
            "advertised.listeners": ",".join(listeners),
            "listener.security.protocol.map": ",".join(protocols),
            "controller.quorum.bootstrap.servers": self._controller,
            "log.dirs": str(self.directory / "log"),
        }
