import msgspec


class FieldError(msgspec.Struct, kw_only=True):
    """FieldError."""

    field: str
    reason: str
