"""The read model of the consuming peers: backend's guard on the sequence, without its sort keys."""

TABLE = """
CREATE TABLE IF NOT EXISTS peer_catalogue (
    book_id bigint PRIMARY KEY, title text NOT NULL, author text NOT NULL,
    status text NOT NULL, sequence bigint NOT NULL)
"""

UPSERT_MANY = """
INSERT INTO peer_catalogue (book_id, title, author, status, sequence)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[])
ON CONFLICT (book_id) DO UPDATE SET title = excluded.title, author = excluded.author,
    status = excluded.status, sequence = excluded.sequence
WHERE peer_catalogue.sequence < excluded.sequence
"""

UPSERT_ONE = UPSERT_MANY.replace(
    "SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::bigint[])",
    "VALUES ($1, $2, $3, $4, $5)",
)
