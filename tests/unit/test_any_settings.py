"""Whatever the environment holds gives settings, or a line that names a variable and no secret."""

import string
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import backend.settings
import bookapp.settings
from delivery.kafka.settings import KafkaSettings
from telemetry import SettingsError, TelemetrySettings, read_settings

SECRET = "s3cr3t"
KINDS = [bookapp.settings.Settings, backend.settings.Settings, KafkaSettings, TelemetrySettings]


def names(kind: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in msgspec.structs.fields(kind)]


# What an operator may write by mistake: anything, with the secret somewhere in it, or nearly right.
WORDS = (
    f"{SECRET} :{SECRET}@ postgresql:// http:// kafka:// me @ host : 5432 / ? # % = , ; [ ] & -1 1"
    " sslmode=verify-full sslrootcert= sslcert= port= true no 1e400 nan SASL_SSL SSL é"
)
pieces = st.sampled_from([*WORDS.split(), " ", "\n", "\0"])
values = st.one_of(
    st.lists(pieces, max_size=10).map("".join),
    st.text(max_size=20).map(lambda text: f"{text}{SECRET}"),
    st.text(string.printable, max_size=30),
    st.sampled_from(["", "1", "0", "true", f"postgresql://me:{SECRET}@host/db", "SASL_SSL"]),
)


def environments(kind: type[msgspec.Struct]) -> st.SearchStrategy[dict[str, str]]:
    nearly = st.sampled_from(
        [
            {},
            {"DATABASE_URL": f"postgresql://me:{SECRET}@host/db"},
            {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "me"},
        ]
    )
    given_names = st.sampled_from([*names(kind), "PATH", "UNKNOWN"])
    return st.builds(dict.__or__, nearly, st.dictionaries(given_names, values, max_size=6))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__module__.partition(".")[0])
def test_any_environment_gives_settings_or_one_line(kind: type[msgspec.Struct]) -> None:
    @given(environments(kind))
    def check(environ: dict[str, str]) -> None:
        try:
            settings: Any = read_settings(kind, environ)
        except SettingsError as error:
            said = str(error)
            assert "\n" not in said
            assert SECRET not in said
            assert any(name in said for name in names(kind)), said
        else:
            addresses = {"KAFKA_BROKER_URL", "BACKEND_URL", "OTEL_EXPORTER_OTLP_ENDPOINT"}
            public = addresses | {"OTEL_SERVICE_NAME", "BACKEND_HOST"}
            shown = {name for name in environ if SECRET in environ[name] and name in public}
            assert shown or SECRET not in f"{settings!r} {settings}"

    check()


def test_a_nul_is_refused_by_the_name_of_its_variable() -> None:
    """Left to a library it would be "embedded null byte", and of which variable?"""
    with pytest.raises(SettingsError, match="KAFKA_SSL_CAFILE has a NUL"):
        read_settings(KafkaSettings, {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_SSL_CAFILE": "a\0b"})


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (KafkaSettings, "KAFKA_BROKER_URL", f"kafka://me:{SECRET}@host:9092"),
        (TelemetrySettings, "OTEL_EXPORTER_OTLP_ENDPOINT", f"http://me:{SECRET}@host:4318"),
        (TelemetrySettings, "OTEL_EXPORTER_OTLP_HEADERS", SECRET),
        (TelemetrySettings, "OTEL_EXPORTER_OTLP_HEADERS", f"name={SECRET}%0Aother"),
        (TelemetrySettings, "SENTRY_DSN", f"https://{SECRET}@host"),
        (bookapp.settings.Settings, "BACKEND_URL", f"http://me:{SECRET}@host:8001"),
    ],
)
def test_a_secret_where_it_would_be_shown_is_refused(
    kind: type[msgspec.Struct], name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        read_settings(kind, {"DATABASE_URL": "postgresql://host/db", name: value})
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    "headers", ["authorization=Bearer a.b-c==", "a=1, b=2,", "api-key=a%20b%2C", "a="]
)
def test_headers_as_collectors_ask_for_them_are_taken(headers: str) -> None:
    read_settings(TelemetrySettings, {"OTEL_EXPORTER_OTLP_HEADERS": headers})
