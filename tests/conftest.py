"""The fixtures of every test: real embedded parts (see `embedded.testing`).

A run in the background (`make test &`, nohup, some CI) ignores SIGINT and SIGHUP, and every
process that it starts would inherit that. A handler is not inherited: so the tests have one.
"""

import signal

from hypothesis import settings

from embedded.testing import *  # noqa: F403 - pytest finds fixtures by their names here

for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)

# How long an example takes is the machine's affair.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
