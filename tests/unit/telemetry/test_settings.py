"""Settings: what the environment may say, and what is said when it is wrong."""

from typing import Annotated

import msgspec
import pytest

from telemetry.environment import SettingsError, read_settings
from telemetry.settings import TelemetrySettings


class Example(msgspec.Struct, frozen=True, kw_only=True, rename="upper"):
    database_url: str
    timeout: Annotated[float, msgspec.Meta(gt=0, le=5)] | None = None

    def __post_init__(self) -> None:
        if "@" not in self.database_url:
            raise ValueError("DATABASE_URL takes\nan address")


def test_nothing_set_is_the_documented_default() -> None:
    settings = read_settings(TelemetrySettings, {})
    assert settings == TelemetrySettings()
    assert settings.otel_exporter_otlp_endpoint is None


def test_values_are_read_from_the_variables_of_their_names() -> None:
    settings = read_settings(
        TelemetrySettings,
        {
            "OTEL_SDK_DISABLED": "TRUE",
            "OTEL_BSP_MAX_QUEUE_SIZE": " 12 ",
            "OTEL_TRACES_SAMPLER_ARG": "0.25",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
            "PATH": "ignored",
        },
    )
    assert settings.otel_sdk_disabled is True
    assert settings.otel_bsp_max_queue_size == 12
    assert settings.otel_traces_sampler_arg == 0.25
    assert settings.otel_exporter_otlp_endpoint == "http://collector:4318"


def test_an_empty_variable_is_not_set() -> None:
    environ = {"LOG_LEVEL": "", "OTEL_SERVICE_NAME": "  "}
    settings = read_settings(TelemetrySettings, environ, {"OTEL_SERVICE_NAME": "bookapp"})
    assert settings.log_level == "INFO"
    assert settings.otel_service_name == "bookapp"


def test_what_is_set_wins_over_the_service_s_default() -> None:
    environ = {"OTEL_SERVICE_NAME": "other"}
    settings = read_settings(TelemetrySettings, environ, {"OTEL_SERVICE_NAME": "bookapp"})
    assert settings.otel_service_name == "other"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LOG_LEVEL", "loud", "LOG_LEVEL takes one of DEBUG, ERROR, INFO, WARNING"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "OTEL_BSP_MAX_QUEUE_SIZE takes a whole number above 0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "x", "OTEL_BSP_MAX_QUEUE_SIZE takes a whole number above 0"),
        ("OTEL_SDK_DISABLED", "maybe", "OTEL_SDK_DISABLED takes true or false"),
        (
            "OTEL_TRACES_SAMPLER_ARG",
            "2",
            "OTEL_TRACES_SAMPLER_ARG takes a number at least 0 and at most 1",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "localhost:4317",
            "OTEL_EXPORTER_OTLP_ENDPOINT takes an http:// or https:// address",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_name_and_not_repeated(
    name: str, value: str, message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(TelemetrySettings, {name: value})
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({}, "DATABASE_URL is not set: it takes text"),
        (
            {"DATABASE_URL": "a@b", "TIMEOUT": "secret"},
            "TIMEOUT takes a number above 0 and at most 5",
        ),
        ({"DATABASE_URL": "hunter2"}, "DATABASE_URL takes an address"),
    ],
)
def test_any_struct_is_read_and_its_errors_are_one_line_without_the_value(
    environ: dict[str, str], message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(Example, environ)
    assert str(refused.value) == message


def test_settings_do_not_show_secrets() -> None:
    settings = read_settings(
        TelemetrySettings,
        {
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=hunter2",
            "SENTRY_DSN": "https://hunter2@x/1",
        },
    )
    assert "hunter2" not in repr(settings)
