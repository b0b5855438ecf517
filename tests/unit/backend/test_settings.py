"""backend's settings: what is taken, and the line that a wrong one gets."""

import pytest

from backend.settings import Settings
from telemetry import SettingsError, read_settings

URL = "postgresql://user:s3cret@127.0.0.1:5432/books"


def test_the_database_is_enough() -> None:
    settings = read_settings(Settings, {"DATABASE_URL": URL})
    assert (settings.backend_host, settings.backend_port) == ("127.0.0.1", 8001)
    assert settings.migrate_at_start


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://user:s3cret@host/books"),
        ("DATABASE_URL", "s3cret"),
        ("DATABASE_POOL_SIZE", "0"),
        ("BACKEND_PORT", "0"),
        ("BACKEND_PORT", "s3cret"),
        ("MIGRATE_AT_START", "s3cret"),
    ],
)
def test_a_wrong_value_is_one_line_with_its_name_and_without_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(Settings, {"DATABASE_URL": URL, name: value})
    said = str(caught.value)
    assert name in said
    assert "s3cret" not in said
    assert "\n" not in said


def test_the_password_is_not_shown_with_the_settings() -> None:
    assert "s3cret" not in repr(read_settings(Settings, {"DATABASE_URL": URL}))
