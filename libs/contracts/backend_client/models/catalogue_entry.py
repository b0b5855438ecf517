from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.book_status import BookStatus
from typing import cast
import datetime


T = TypeVar("T", bound="CatalogueEntry")


@_attrs_define
class CatalogueEntry:
    """
    Attributes:
        book_id (int):
        title (str):
        author (str):
        status (BookStatus): Where a copy of the book is; on the wire always in lower case.
        shelf_mark (str):
        author_sort (str):
        title_sort (str):
        sequence (int):
        ingested_at (datetime.datetime):
        trace_id (None | str):
    """

    book_id: int
    title: str
    author: str
    status: BookStatus
    shelf_mark: str
    author_sort: str
    title_sort: str
    sequence: int
    ingested_at: datetime.datetime
    trace_id: None | str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        book_id = self.book_id

        title = self.title

        author = self.author

        status = self.status.value

        shelf_mark = self.shelf_mark

        author_sort = self.author_sort

        title_sort = self.title_sort

        sequence = self.sequence

        ingested_at = self.ingested_at.isoformat()

        trace_id: None | str
        trace_id = self.trace_id

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "book_id": book_id,
                "title": title,
                "author": author,
                "status": status,
                "shelf_mark": shelf_mark,
                "author_sort": author_sort,
                "title_sort": title_sort,
                "sequence": sequence,
                "ingested_at": ingested_at,
                "trace_id": trace_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        book_id = d.pop("book_id")

        title = d.pop("title")

        author = d.pop("author")

        status = BookStatus(d.pop("status"))

        shelf_mark = d.pop("shelf_mark")

        author_sort = d.pop("author_sort")

        title_sort = d.pop("title_sort")

        sequence = d.pop("sequence")

        ingested_at = datetime.datetime.fromisoformat(d.pop("ingested_at"))

        def _parse_trace_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        trace_id = _parse_trace_id(d.pop("trace_id"))

        catalogue_entry = cls(
            book_id=book_id,
            title=title,
            author=author,
            status=status,
            shelf_mark=shelf_mark,
            author_sort=author_sort,
            title_sort=title_sort,
            sequence=sequence,
            ingested_at=ingested_at,
            trace_id=trace_id,
        )

        catalogue_entry.additional_properties = d
        return catalogue_entry

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
