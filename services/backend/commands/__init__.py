"""The operator's commands beside the worker: ``faust -A backend.app replay``, ``… dead-letters``,
``… ignored``.

They are click's own commands in Faust's group. Faust's class for commands runs them under a worker
of its own, which sets up logging once more and makes what a command says and how it ends its
business; these say one line for what is wrong, and end with a status that a script can use.
"""

from faust.cli.base import cli

from backend.commands.dead_letters import dead_letters_command
from backend.commands.ignored import ignored_command
from backend.commands.parts import Parts
from backend.commands.replay import replay_command

__all__ = ["Parts", "add_commands"]


def add_commands(parts: Parts) -> None:
    """Have ``faust -A backend.app --help`` list them."""
    cli.add_command(replay_command(parts))
    cli.add_command(dead_letters_command(parts))
    cli.add_command(ignored_command(parts))
