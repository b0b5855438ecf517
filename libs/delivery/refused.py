"""What an application of this library refuses, instead of doing it without its guarantees."""

from click import ClickException
from faust.exceptions import ImproperlyConfigured


class Refused(ImproperlyConfigured, ClickException):
    """Something of Faust that would break a promise, or do nothing; its text is one line, and says
    what to do instead. The ``faust`` command prints that line and no traceback."""

    def __init__(self, message: str) -> None:
        ClickException.__init__(self, message)


class Misused(Refused, TypeError):
    """Something was given that is not of the kind that is needed; printed as ``Refused``."""
