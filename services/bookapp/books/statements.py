"""The SQL of the hot paths, each one round trip; PostgreSQL keeps them prepared.

An add inserts the book and its outbox row in one statement, which is one transaction: there is no
moment at which one is there without the other. The outbox's columns are delivery's
(``delivery.sending.outbox_app.tables``); the value's parts around the id are
``records.added_around_id``'s.
What a statement ends with is its name in traces: ``INSERT books``.
"""

from typing import Final

GET: Final = "SELECT id, title, author, status FROM books WHERE id = $1"

PAGE: Final = "SELECT id, title, author, status FROM books WHERE id > $1 ORDER BY id LIMIT $2"

ADD: Final = """
    WITH new AS (
        SELECT nextval('books_id_seq') AS id
    ), record AS (
        INSERT INTO outbox (topic, key, value, trace_context)
        SELECT $4, convert_to(id::text, 'UTF8'),
               $5 || convert_to(id::text, 'UTF8') || $6, $7::jsonb
        FROM new
    )
    INSERT INTO books (id, title, author, status) SELECT id, $1, $2, $3 FROM new
    RETURNING id
"""

# The ids are given in the order of the arrays, and therefore grow with the books' places.
_NEW_AND_RECORDS: Final = """
    WITH new AS (
        SELECT nextval('books_id_seq') AS id, incoming.*
        FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])
             AS incoming (title, author, status, before, behind)
    ), record AS (
        INSERT INTO outbox (topic, key, value, trace_context)
        SELECT $6, convert_to(id::text, 'UTF8'),
               before || convert_to(id::text, 'UTF8') || behind, $7::jsonb
        FROM new ORDER BY id
    )"""

_INSERT_BOOKS: Final = """
    INSERT INTO books (id, title, author, status)
    SELECT id, title, author, status FROM new ORDER BY id
    RETURNING id
"""

ADD_MANY: Final = _NEW_AND_RECORDS + _INSERT_BOOKS

# The answer is kept by the statement that has the effect. A key that is there already is a unique
# violation, and undoes the whole; one that is being written is waited for.
_ANSWER: Final = """, answer AS (
        INSERT INTO idempotency_keys (key, fingerprint, book_ids)
        SELECT $8, $9, coalesce(array_agg(id ORDER BY id), '{}') FROM new
    )"""

ADD_ONCE: Final = _NEW_AND_RECORDS + _ANSWER + _INSERT_BOOKS
