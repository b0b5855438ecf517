"""Stands between a parent and its child, so that the child never outlives the parent.

Run as a program by `embedded.processes`, never imported by it: `python guard.py OPTIONS COMMAND…`.
Standard input is a pipe whose other end only the parent holds. The kernel closes it however the
parent ends (`kill -9` included), and that end of file is the order to stop: the stop signal to the
child's group, a grace period, then SIGKILL. It promises further that

- the child is a session of its own: a Ctrl-C on the terminal reaches the parent alone;
- on Linux the child dies with this guard as well (PR_SET_PDEATHSIG), should the guard be killed;
- it ends the way the child ended, by the same status or the same signal;
- the child's pid, or why there is none, is written to the descriptor `tell`;
- directories that it was given are removed when the parent died without doing so.

Only the standard library, and little of it: one of these runs per child.
"""

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable


def prepare_death_pact() -> Callable[[], None]:
    """What a child calls to ask Linux for SIGKILL at its parent's end. Elsewhere it does nothing.

    Made before the fork: the child may be an account that cannot read Python's own library.
    """
    if sys.platform != "linux":
        return lambda: None
    import ctypes

    prctl = ctypes.CDLL(None).prctl
    pr_set_pdeathsig = 1
    parent = os.getpid()

    def die_with_parent() -> None:
        prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:  # it had ended before the call
            os._exit(1)

    return die_with_parent


def start(command: list[str], uid: int | None, gid: int | None, tell: int) -> int:
    """Fork and execute the command; the pid. A failure to execute is written to `tell`."""
    die_with_parent = prepare_death_pact()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        if gid is not None:
            os.setgroups([])
            os.setgid(gid)
        if uid is not None:
            os.setuid(uid)
        die_with_parent()  # after setuid, which clears it
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.execvp(command[0], command)  # noqa: S606 - this is its purpose
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told and says it
        reason = getattr(error, "strerror", None) or repr(error)
        os.write(tell, f"error {reason}: {command[0]}\n".encode())
    finally:
        os._exit(127)


def signal_group(pid: int, number: int) -> None:
    """Signal the child's process group, or the child alone before it has made its group."""
    for send in (os.killpg, os.kill):
        try:
            send(pid, number)
        except (ProcessLookupError, PermissionError):
            continue
        return


def watch(pid: int, stop_signal: int, grace: float, wake: int) -> tuple[int, bool]:
    """Wait for the child's end or the parent's; (wait status, whether the parent was gone)."""
    orphaned = False
    deadline: float | None = None
    readable = [0, wake]
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status, orphaned
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select(readable, [], [], timeout)
        asked = False
        if wake in ready:
            numbers = os.read(wake, 64)
            asked = any(number != signal.SIGCHLD for number in numbers)
        if 0 in ready and not os.read(0, 64):
            readable = [wake]
            orphaned = asked = True
        if asked and deadline is None:
            signal_group(pid, signal.SIGCONT)  # a stopped process acts on nothing but SIGKILL
            signal_group(pid, stop_signal)
            deadline = time.monotonic() + grace
        elif deadline is not None and time.monotonic() >= deadline:
            signal_group(pid, signal.SIGKILL)
            deadline = time.monotonic() + 1.0


def end_like(status: int) -> None:
    """End this process with the child's exit status, or by the signal that ended the child."""
    if not os.WIFSIGNALED(status):
        os._exit(os.WEXITSTATUS(status))
    import resource

    number = os.WTERMSIG(status)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    signal.pause()


def main() -> None:
    options = json.loads(sys.argv[1])
    wake, wake_end = os.pipe()
    os.set_blocking(wake_end, False)
    signal.set_wakeup_fd(wake_end)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    tell = options["tell"]
    os.set_inheritable(tell, False)  # so that it closes when the child executes

    pid = start(sys.argv[2:], options["uid"], options["gid"], tell)
    os.write(tell, f"pid {pid}\n".encode())
    os.close(tell)
    # Only the child writes to the output from here on: its end is the output's end.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)

    status, orphaned = watch(pid, options["stop_signal"], options["grace"], wake)
    signal_group(pid, signal.SIGKILL)  # what the child itself left behind
    if orphaned and options["remove"]:
        import shutil

        for directory in options["remove"]:
            shutil.rmtree(directory, ignore_errors=True)
    end_like(status)


if __name__ == "__main__":
    main()
