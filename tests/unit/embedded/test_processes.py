"""A child started by `embedded.processes` is never left behind."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from embedded.processes import Process, StartError
from embedded.waiting import wait_until

STUBBORN = "trap '' TERM; echo ready; while true; do sleep 0.05; done"
FAMILY = "sleep 300 & echo grandchild $!; sleep 300"

PARENT = """
import sys, time
from pathlib import Path
from embedded.processes import Process
child = Process("child", ["sh", "-c", sys.argv[1]], grace=0.5, remove=[Path(sys.argv[2])])
child.wait_for_line("grandchild|ready", 5)
print(child.pid, child._guard.pid, *[p for line in child.lines for p in line.split()[1:]])
sys.stdout.flush()
time.sleep(300)
"""


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def start_parent(script, tmp_path, **options):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, script, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )
    with parent.stdout as output:
        pids = [int(word) for word in output.readline().split()]
    assert len(pids) >= 2
    return parent, pids


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_child_and_its_children_end_with_the_parent(end, tmp_path):
    parent, pids = start_parent(FAMILY, tmp_path)
    parent.send_signal(end)
    parent.wait(10)
    wait_until(lambda: all(gone(pid) for pid in pids), 5, what=f"the end of {pids}")


def test_a_child_that_ignores_the_stop_signal_is_killed_when_the_parent_dies(tmp_path):
    parent, pids = start_parent(STUBBORN, tmp_path)
    parent.kill()
    parent.wait(10)
    wait_until(lambda: all(gone(pid) for pid in pids), 5, what=f"the end of {pids}")


def test_directories_are_removed_when_the_parent_dies(tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    parent, _ = start_parent(FAMILY, scratch)
    parent.kill()
    parent.wait(10)
    wait_until(lambda: not scratch.exists(), 5, what="the removal")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to a killed guard")
def test_the_child_dies_with_a_killed_guard():
    process = Process("child", ["sleep", "300"])
    os.kill(process._guard.pid, signal.SIGKILL)
    assert process.wait(5) == -signal.SIGKILL
    wait_until(lambda: gone(process.pid), 5)


def test_ctrl_c_on_the_terminal_reaches_only_the_parent():
    with Process("child", ["sleep", "300"]) as process:
        assert os.getpgid(process.pid) != os.getpgid(0)
        assert os.getsid(process.pid) != os.getsid(0)


def test_stop_is_clean_first():
    script = "trap 'echo bye; exit 0' TERM; echo ready; while true; do sleep 0.05; done"
    process = Process("child", ["sh", "-c", script])
    process.wait_for_line("ready", 5)
    assert process.stop(timeout=5) == 0
    assert process.lines[-1] == "bye"


def test_stop_kills_after_its_patience_is_over():
    process = Process("child", ["sh", "-c", STUBBORN])
    process.wait_for_line("ready", 5)
    begun = time.monotonic()
    assert process.stop(timeout=0.3) == -signal.SIGKILL
    assert time.monotonic() - begun < 3


def test_a_paused_child_can_be_stopped():
    process = Process("child", ["sleep", "300"])
    process.pause()
    assert process.stop(timeout=5) == -signal.SIGTERM


def test_the_return_code_is_the_childs_own():
    assert Process("child", ["sh", "-c", "exit 7"]).wait(5) == 7
    assert Process("child", ["sh", "-c", "kill -USR1 $$"]).wait(5) == -signal.SIGUSR1


def test_a_child_that_ends_leaves_no_pipe_open_though_nobody_waits_for_it():
    guard = Process("child", ["true"])._guard
    wait_until(lambda: guard.stdin.closed and guard.stdout.closed, 5, what="closed pipes")


def test_a_child_that_closes_its_output_goes_on_and_ends_by_itself(tmp_path):
    script = "exec >&- 2>&-; sleep 0.3; exit 3"
    process = Process("child", ["sh", "-c", script], remove=[tmp_path])
    assert process.wait(5) == 3
    assert tmp_path.exists()


def test_wait_says_when_the_time_is_up():
    with Process("child", ["sleep", "300"]) as process, pytest.raises(TimeoutError, match="child"):
        process.wait(0.1)


def test_output_is_kept_as_a_bounded_tail():
    process = Process("child", ["sh", "-c", "seq 5000; echo error: out of luck >&2; seq 3"])
    process.wait(10)
    assert len(process.lines) == 2000
    assert process.last_words() == "error: out of luck"


def test_a_program_that_is_missing_is_one_line():
    with pytest.raises(StartError, match=r"^The part cannot be started: .*: /no/such/program\.$"):
        Process("The part", ["/no/such/program"])


def test_a_program_that_ends_at_once_is_one_line():
    process = Process("The part", ["sh", "-c", "echo 'Error: no disk'; exit 1"])
    with pytest.raises(StartError, match=r"^The part ended at its start: Error: no disk$"):
        process.wait_for_line("never", 5)
