"""Contains all the data models used in inputs/outputs"""

from .book_status import BookStatus
from .catalogue_entry import CatalogueEntry
from .field_error import FieldError
from .health import Health
from .problem import Problem

__all__ = (
    "BookStatus",
    "CatalogueEntry",
    "FieldError",
    "Health",
    "Problem",
)
