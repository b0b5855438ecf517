"""Opens the receiver's page for somebody who sits at a desktop, and for nobody else."""

import sys
import webbrowser
from collections.abc import Mapping


def at_a_desktop(environ: Mapping[str, str], terminal: bool, platform: str = sys.platform) -> bool:
    """Whether a person started this on the machine in front of them.

    Not in a script or in CI (no terminal), not over SSH, not where there is no screen.
    """
    if not terminal or environ.get("CI") or environ.get("SSH_CONNECTION"):
        return False
    if platform in ("darwin", "win32"):
        return True
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def show_page(url: str, environ: Mapping[str, str]) -> None:
    """Open the page in the user's browser, if there is one to open it in. Never raises."""
    if not at_a_desktop(environ, sys.stdout.isatty()):
        return
    try:
        webbrowser.open(url, new=2)
    except (webbrowser.Error, OSError):
        return  # its address has been said
