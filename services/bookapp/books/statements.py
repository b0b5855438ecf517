"""The SQL of the hot paths, each one round trip; PostgreSQL keeps them prepared.

An add inserts the book and its outbox row in one statement, which is one transaction: there is no
moment at which one is there without the other. The outbox's columns are delivery's
(``delivery.outbox_app.tables``); the value's three parts are ``records.added_around_id``'s.
"""

from typing import Final

GET: Final = "SELECT id, title, author, status FROM books WHERE id = $1"

PAGE: Final = "SELECT id, title, author, status FROM books WHERE id > $1 ORDER BY id LIMIT $2"

# The last step is an INSERT, so that the statement is an INSERT to whoever reads its span.
ADD: Final = """
    WITH book AS (
        INSERT INTO books (title, author, status) VALUES ($1, $2, $3) RETURNING id
    )
    INSERT INTO outbox (topic, key, value, trace_context)
    SELECT $4, convert_to(id::text, 'UTF8'), $5 || convert_to(id::text, 'UTF8') || $6, $7::jsonb
    FROM book
    RETURNING convert_from(key, 'UTF8')::bigint
"""

_ADD_MANY: Final = """
    WITH new AS MATERIALIZED (
        SELECT nextval('books_id_seq') AS id, incoming.*
        FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])
             WITH ORDINALITY AS incoming (title, author, status, before, behind, place)
    ), book AS (
        INSERT INTO books (id, title, author, status)
        SELECT id, title, author, status FROM new ORDER BY place
    ), record AS (
        INSERT INTO outbox (topic, key, value, trace_context)
        SELECT $6, convert_to(id::text, 'UTF8'),
               before || convert_to(id::text, 'UTF8') || behind, $7::jsonb
        FROM new ORDER BY place
    )
"""

ADD_MANY: Final = f"{_ADD_MANY} SELECT coalesce(array_agg(id ORDER BY place), '{{}}') FROM new"  # noqa: S608 - two constants

# The answer is kept by the statement that has the effect. A key that is there already is a unique
# violation, and undoes the whole; one that is being written is waited for.
ADD_ONCE: Final = f"""{_ADD_MANY}
    INSERT INTO idempotency_keys (key, fingerprint, book_ids)
    SELECT $8, $9, coalesce(array_agg(id ORDER BY place), '{{}}') FROM new
    RETURNING book_ids
"""  # noqa: S608 - two constants
