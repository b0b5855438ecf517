"""The page opens by itself for a person at a desktop, and for nobody else."""

import pytest

from embedded import desktop


@pytest.mark.parametrize(
    ("environ", "terminal", "platform", "expected"),
    [
        ({"DISPLAY": ":0"}, True, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True, "linux", True),
        ({}, True, "darwin", True),
        ({}, True, "linux", False),
        ({"DISPLAY": ":0"}, False, "linux", False),
        ({"DISPLAY": ":0", "CI": "true"}, True, "linux", False),
        ({"DISPLAY": ":10", "SSH_CONNECTION": "10.0.0.1 22"}, True, "linux", False),
        ({"SSH_CONNECTION": "10.0.0.1 22"}, True, "darwin", False),
    ],
)
def test_who_sits_at_a_desktop(environ, terminal, platform, expected):
    assert desktop.at_a_desktop(environ, terminal, platform) is expected


def test_a_browser_that_cannot_be_had_stops_nothing(monkeypatch):
    asked = []

    def fail(url, new):
        asked.append((url, new))
        raise desktop.webbrowser.Error("no browser")

    monkeypatch.setattr(desktop.webbrowser, "open", fail)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    desktop.show_page("http://127.0.0.1:4318/", {"DISPLAY": ":0", "WAYLAND_DISPLAY": "w"})
    assert asked == [("http://127.0.0.1:4318/", 2)]


def test_nothing_is_opened_for_a_script(monkeypatch):
    monkeypatch.setattr(desktop.webbrowser, "open", lambda *_, **__: pytest.fail("opened"))
    monkeypatch.setattr("sys.stdout.isatty", lambda: False, raising=False)
    desktop.show_page("http://127.0.0.1:4318/", {"DISPLAY": ":0"})
