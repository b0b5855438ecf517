"""Settings: what is taken, and that a refusal names the variable and repeats nothing of it."""

import pytest

from bookapp.settings import Settings
from telemetry import SettingsError, read_settings

URL = "postgresql://user:hunter2@localhost/books"


def test_a_database_is_all_that_is_needed():
    settings = read_settings(Settings, {"DATABASE_URL": URL})
    assert settings.backend_url == "http://127.0.0.1:8001"
    assert settings.migrate_at_start
    assert settings.admin_token is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://user:hunter2@localhost/books"),
        ("DATABASE_URL", "postgresql://user:hunter2@localhost:port/books"),
        ("DATABASE_POOL_SIZE", "hunter2"),
        ("DATABASE_POOL_SIZE", "0"),
        ("BACKEND_URL", "localhost:8001"),
        ("BACKEND_URL", "http://"),
        ("BACKEND_URL", "http://[hunter2"),
        ("MIGRATE_AT_START", "perhaps"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line(variable, value):
    with pytest.raises(SettingsError) as refusal:
        read_settings(Settings, {"DATABASE_URL": URL, variable: value})
    message = str(refusal.value)
    assert variable in message
    assert "hunter2" not in message
    assert "\n" not in message


def test_settings_do_not_show_what_is_secret():
    settings = read_settings(Settings, {"DATABASE_URL": URL, "ADMIN_TOKEN": "hunter2"})
    assert "hunter2" not in f"{settings!r} {settings}"
