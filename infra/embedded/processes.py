"""Child processes that leave nothing behind: the ground that the embedded stack stands on.

A child started here ends with its parent, however the parent ends: a normal exit, Ctrl-C, SIGTERM
or `kill -9`. Each child has a guard process (see `embedded.guard`) which holds a pipe to the
parent and ends the child's whole group when the pipe closes. Its output is kept as a bounded tail,
for error messages and for tests. Linux and macOS.
"""

import collections
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from embedded import guard
from embedded.closing import Closing

TAIL_LINES = 2_000
"""How many lines of a child's output are kept, the oldest dropped first."""


class StartError(RuntimeError):
    """A part could not be started. The message is one line that says what, and what to do."""


class Process(Closing):
    """A guarded child process. Its methods may be called from any thread.

    `name` is for messages. `env` is the whole environment (None: the parent's). `uid` and `gid`
    are for a root that must not run a program as root. When the parent dies, the guard sends
    `stop_signal`, waits `grace` seconds, kills, and removes the directories in `remove`.
    Raises StartError when the program cannot be executed.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        uid: int | None = None,
        gid: int | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        grace: float = 5.0,
        remove: Sequence[Path] = (),
    ) -> None:
        self.name = name
        self.command = [str(part) for part in command]
        self._stop_signal = stop_signal
        self._lines: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
        self._killed = False
        status, tell = os.pipe()
        options = {
            "uid": uid,
            "gid": gid,
            "stop_signal": int(stop_signal),
            "grace": grace,
            "remove": [str(directory) for directory in remove],
            "tell": tell,
        }
        try:
            # -I and -S keep the user's environment and site-packages out: it starts in 20 ms.
            self._guard = subprocess.Popen(
                [sys.executable, "-I", "-S", guard.__file__, json.dumps(options), *self.command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=None if env is None else dict(env),
                cwd=cwd,
                pass_fds=(tell,),
                start_new_session=True,
                text=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            os.close(status)
            raise StartError(f"{name} cannot be started: {error}.") from error
        finally:
            os.close(tell)
        with open(status, encoding="utf-8") as told:
            words = dict(line.rstrip("\n").split(" ", 1) for line in told)
        if "error" in words or "pid" not in words:
            self._guard.communicate()
            reason = words.get("error", "its guard process ended")
            raise StartError(f"{name} cannot be started: {reason}.")
        self.pid = int(words["pid"])
        self._reader = threading.Thread(target=self._read, name=f"{name} output", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._guard.stdout is not None
        with self._guard.stdout as output:
            for line in output:
                self._lines.append(line.rstrip("\r\n"))
        # Not before the guard has ended, to which a closed input is the order to stop.
        self._guard.wait()
        assert self._guard.stdin is not None
        self._guard.stdin.close()

    @property
    def returncode(self) -> int | None:
        """As in subprocess: None while it runs, -N when it was ended by signal N."""
        return self._guard.poll()

    @property
    def running(self) -> bool:
        return self.returncode is None

    @property
    def lines(self) -> list[str]:
        """The last lines of standard output and standard error, in the order they came."""
        return list(self._lines)

    def last_words(self) -> str:
        """The one line of the output that most likely says why it ended."""
        lines = [line for line in self.lines if line.strip()]
        errors = [line for line in lines if re.search(r"error|fatal|cannot|could not", line, re.I)]
        return (errors or lines or ["it said nothing"])[-1].strip()

    def wait_for_line(self, pattern: str, timeout: float) -> re.Match[str]:
        """The first match of a regular expression in the output, waiting up to `timeout` seconds.

        Raises StartError when the process ends or the time is up before it was printed.
        """
        deadline = time.monotonic() + timeout
        while True:
            ended = not self.running
            if ended:
                self._finish(1.0)
            for line in self.lines:
                if match := re.search(pattern, line):
                    return match
            if ended:
                raise StartError(f"{self.name} ended at its start: {self.last_words()}")
            if time.monotonic() > deadline:
                raise StartError(
                    f"{self.name} was not ready within {timeout:.0f} s: {self.last_words()}"
                )
            time.sleep(0.02)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child alone; nothing happens when it has ended."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def pause(self) -> None:
        """Stop the child's process group without a trace on its side (SIGSTOP)."""
        guard.signal_group(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused group go on (SIGCONT)."""
        guard.signal_group(self.pid, signal.SIGCONT)

    def kill(self) -> int:
        """`kill -9` of the child and its group; the return code, once it has ended."""
        self._killed = True
        if self.running:
            guard.signal_group(self.pid, signal.SIGKILL)
        return self._finish(5.0)

    def stop(self, timeout: float = 10.0) -> int:
        """The stop signal, up to `timeout` seconds of patience, then SIGKILL; the return code."""
        if self.running:
            self.resume()
            self.signal(self._stop_signal)
        try:
            return self._finish(timeout)
        except subprocess.TimeoutExpired:
            return self.kill()

    def close(self) -> None:
        """`stop`, with its usual patience."""
        self.stop()

    def wait(self, timeout: float) -> int:
        """Wait for its own end; the return code. Raises TimeoutError."""
        try:
            return self._finish(timeout)
        except subprocess.TimeoutExpired:
            message = f"{self.name} still runs after {timeout:.1f} s"
            raise TimeoutError(message) from None

    def _finish(self, timeout: float) -> int:
        code = self._guard.wait(timeout)
        if code == -signal.SIGKILL and not self._killed:  # was it the guard that was killed?
            guard.signal_group(self.pid, signal.SIGKILL)
        self._reader.join(1.0)
        return code
