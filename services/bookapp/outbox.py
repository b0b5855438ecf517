"""``python -m bookapp.outbox``: records that Kafka refuses for good; ``--help`` says what to do."""

from bookapp.database import program
from delivery.sending.commands import outbox_commands

if __name__ == "__main__":
    outbox_commands("python -m bookapp.outbox", program)()
