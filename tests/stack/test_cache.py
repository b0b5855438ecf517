"""What is slow to get is got once, whoever asks, and however an earlier attempt ended."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from embedded.native.cache import MissingTool, cache_directory, fingerprint, provide, tool
from embedded.waiting import wait_until

FILLER = """
import sys, time
from pathlib import Path
from embedded.native.cache import provide

def fill(directory):
    with Path(sys.argv[1]).open("a") as log:
        log.write("filled\\n")
    (directory / "part").write_text("half")
    time.sleep(float(sys.argv[2]))
    (directory / "whole").write_text("whole")

print((provide("thing", "key", fill) / "whole").read_text())
"""


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def start(log: Path, seconds: float) -> subprocess.Popen[str]:
    """A process that asks for the thing, and takes its time to make it."""
    command = [sys.executable, "-c", FILLER, str(log), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_two_processes_at_once_fill_it_once_and_both_get_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    answers = [process.communicate(timeout=30)[0] for process in [start(log, 1), start(log, 1)]]
    assert answers == ["whole\n", "whole\n"]
    assert log.read_text() == "filled\n"


def test_what_a_killed_process_left_is_made_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    killed = start(log, 60)
    wait_until(log.exists, 20, what="the start of the filling")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert start(log, 0).communicate(timeout=30)[0] == "whole\n"
    assert log.read_text() == "filled\nfilled\n"


def test_a_failed_attempt_leaves_nothing_and_is_repeated() -> None:
    def fail(directory: Path) -> None:
        (directory / "part").write_text("half")
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        provide("thing", "key", fail)
    assert not [path for path in cache_directory().iterdir() if path.is_dir()]
    assert provide("thing", "key", lambda directory: None).is_dir()


def test_another_content_is_another_entry() -> None:
    keys = {fingerprint("a", "b"), fingerprint("ab"), fingerprint("a", "c")}
    assert len(keys) == 3


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "somewhere")
    assert cache_directory().parent == Path.home() / ".cache"


def test_a_missing_tool_is_named_with_what_to_install() -> None:
    with pytest.raises(MissingTool, match=r"no-such-tool was not found: install it"):
        tool("no-such-tool", "install it")
