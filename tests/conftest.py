"""The fixtures of every test: real embedded parts (see `embedded.testing`)."""

from embedded.testing import *  # noqa: F403 - pytest finds fixtures by their names here
