"""How to reach Kafka: one set of settings for Faust and for plain aiokafka clients alike.

Read once, at a service's composition root, and passed down. A wrong value is refused when the
settings are read, in one line that names the variable and never shows a secret.
"""

import re
import ssl
from typing import Annotated, Any, Final, Literal

import msgspec
from faust import SASLCredentials, SSLCredentials
from faust.auth import OAuthCredentials
from faust.types.auth import CredentialsT

from delivery.kafka.oauth import token_provider

READ_COMMITTED: Final = "read_committed"
"""Every consumer's isolation level: what a transaction has sent is there once it is committed, and
never when it is aborted. aiokafka's default reads both."""

_DEFAULT_PORT: Final = 9092
_INSTANCE: Final = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,249}")  # what a broker takes


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    """Kafka's address, the consumer group, security, and what this process is to do with Kafka.

    ``kafka_broker_url`` is one broker or several, comma separated (``host:port``).
    ``kafka_group_id`` is the consumer group; the application's name where it is not set.
    ``kafka_group_instance_id`` makes the worker a static member of its group: when it is restarted
    and back within the session's time-out, its partitions are its own still and nobody else's move.
    Each worker needs another one, and the same at each of its starts.
    ``kafka_sasl_oauthbearer_token_endpoint_url`` is where tokens come from with OAUTHBEARER: an
    endpoint, for which user and password are the client's id and secret, or a ``file://``.
    ``kafka_stop_timeout`` is how many seconds records in flight get to finish at a stop or when
    their partition goes to another worker; what is not finished by then is delivered again.
    """

    kafka_broker_url: str = f"localhost:{_DEFAULT_PORT}"
    kafka_group_id: str | None = None
    kafka_group_instance_id: str | None = None
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = (
        "SCRAM-SHA-512"
    )
    kafka_sasl_username: str | None = None
    kafka_sasl_password: str | None = None
    kafka_sasl_oauthbearer_token_endpoint_url: str | None = None
    kafka_sasl_oauthbearer_scope: str | None = None
    kafka_ssl_cafile: str | None = None
    kafka_ssl_certfile: str | None = None
    kafka_ssl_keyfile: str | None = None
    kafka_stop_timeout: Annotated[float, msgspec.Meta(gt=0)] = 10.0
    enable_kafka_producer: bool = True
    enable_kafka_consumer: bool = True

    def __post_init__(self) -> None:
        """Refuse what could only fail later.

        Raises:
            ValueError: names the variable and what it takes.
        """
        if not self.bootstrap_servers():
            raise ValueError("KAFKA_BROKER_URL takes host:port, or several, comma separated")
        instance = self.kafka_group_instance_id
        if instance is not None and not _INSTANCE.fullmatch(instance):
            raise ValueError(
                "KAFKA_GROUP_INSTANCE_ID takes up to 249 letters, digits, dots, underscores and"
                " hyphens, another for each worker"
            )
        if self.uses_oauth:
            self.token_provider()
        elif self.uses_sasl and not (self.kafka_sasl_username and self.kafka_sasl_password):
            raise ValueError(
                "KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are needed"
                f" with KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol}"
            )
        try:
            self.ssl_context()
        except (OSError, ssl.SSLError) as error:
            raise ValueError(
                "KAFKA_SSL_CAFILE, KAFKA_SSL_CERTFILE and KAFKA_SSL_KEYFILE take readable"
                f" PEM files: {error.strerror or error}"
            ) from None

    def __repr__(self) -> str:
        """Without the credentials: settings end up in logs and error pages."""
        return f"KafkaSettings({self.kafka_security_protocol} {self.kafka_broker_url})"

    @property
    def uses_sasl(self) -> bool:
        """Whether the client signs in."""
        return self.kafka_security_protocol.startswith("SASL")

    @property
    def uses_oauth(self) -> bool:
        """Whether it does so with a bearer token, and not with a name and a password."""
        return self.uses_sasl and self.kafka_sasl_mechanism == "OAUTHBEARER"

    def token_provider(self) -> Any:
        """What gives aiokafka its tokens; raises ValueError."""
        return token_provider(
            self.kafka_sasl_oauthbearer_token_endpoint_url,
            self.kafka_sasl_username,
            self.kafka_sasl_password,
            self.kafka_sasl_oauthbearer_scope,
        )

    def bootstrap_servers(self) -> list[str]:
        """The brokers as ``host:port``; a scheme such as ``kafka://`` may stand before each.

        Raises:
            ValueError: there is a user, or a port is no number between 1 and 65535.
        """
        servers = []
        for part in self.kafka_broker_url.replace(";", ",").split(","):
            address = part.strip().rpartition("://")[2].rstrip("/")
            if not address:
                continue
            host, colon, port = address.rpartition(":")
            if not colon or address.endswith("]"):
                host, port = address, str(_DEFAULT_PORT)
            if "@" in address:  # which would be shown wherever the address is
                raise ValueError(
                    "KAFKA_BROKER_URL takes host:port without a user: there are"
                    " KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
                )
            if not host or not _is_port(port):
                raise ValueError("KAFKA_BROKER_URL takes host:port, or several, comma separated")
            servers.append(f"{host}:{port}")
        return servers

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS context of the two TLS protocols, None for the others.

        Raises:
            OSError: a file cannot be read, or is no certificate or key.
        """
        if not self.kafka_security_protocol.endswith("SSL"):
            return None
        # Not aiokafka's helper, which logs a line each time.
        context = ssl.create_default_context(cafile=self.kafka_ssl_cafile)
        if self.kafka_ssl_certfile is not None:
            context.load_cert_chain(self.kafka_ssl_certfile, self.kafka_ssl_keyfile, password="")
        return context

    def faust_credentials(self) -> CredentialsT | None:
        """What Faust takes as ``broker_credentials``."""
        context = self.ssl_context()
        if self.uses_oauth:
            return OAuthCredentials(oauth_cb=self.token_provider(), ssl_context=context)
        if self.uses_sasl:
            return SASLCredentials(
                username=self.kafka_sasl_username,
                password=self.kafka_sasl_password,
                mechanism=self.kafka_sasl_mechanism,
                ssl_context=context,
            )
        return SSLCredentials(context) if context is not None else None

    def aiokafka(self) -> dict[str, Any]:
        """Keyword arguments of a plain aiokafka producer, consumer or admin client."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers(),
            "security_protocol": self.kafka_security_protocol,
            "ssl_context": self.ssl_context(),
        }
        if self.uses_oauth:
            arguments |= {
                "sasl_mechanism": self.kafka_sasl_mechanism,
                "sasl_oauth_token_provider": self.token_provider(),
            }
        elif self.uses_sasl:
            arguments |= {
                "sasl_mechanism": self.kafka_sasl_mechanism,
                "sasl_plain_username": self.kafka_sasl_username,
                "sasl_plain_password": self.kafka_sasl_password,
            }
        return arguments


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) < 65536
