"""The composed system, once for all tests; skipped with the reason where it cannot run.

In CI that is a failure: a job that is there to bring it up must not pass by leaving it out.
"""

import os
from collections.abc import Iterator

import pytest
from tests.compose.system import System, build_images

from embedded.native.cache import MissingTool
from embedded.native.containers import Podman


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system, up."""
    directory = tmp_path_factory.mktemp("compose")
    try:
        podman = Podman()
    except (MissingTool, RuntimeError) as error:
        leave_out = pytest.fail if os.environ.get("CI") else pytest.skip
        leave_out(f"no containers here: {error}")
    with podman:
        build_images(podman, directory)
        made = System(podman, directory)
        try:
            made.up()
            yield made
        finally:
            made.compose("--profile", "load", "down", "--volumes")
