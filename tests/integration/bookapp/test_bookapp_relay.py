"""A relay that cannot work while its service does: the service says so."""

from embedded.postgres import Postgres
from embedded.waiting import wait_until


def test_a_relay_without_its_database_is_named_by_a_service_that_serves(
    start_bookapp, own_postgres: Postgres
):
    """The relay's address is one of its own, and is closed to it later on."""
    url = own_postgres.create_database("relayed")
    own_postgres.execute("CREATE ROLE relay LOGIN SUPERUSER PASSWORD 'relay'")
    direct = f"postgresql://relay:relay@127.0.0.1:{own_postgres.port}/relayed"
    bookapp = start_bookapp(url, DATABASE_DIRECT_URL=direct)

    def ready() -> dict[str, object]:
        answer = bookapp.client.get("/health/ready")
        assert answer.status_code == 200
        return answer.json()

    assert ready() == {"status": "ready"}
    own_postgres.execute(
        "ALTER ROLE relay NOLOGIN;"
        " SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'relay'"
    )
    wait_until(lambda: "degraded" in ready(), what="the relay's trouble")
    (trouble,) = ready()["degraded"]
    assert trouble["field"] == "relay"
    assert trouble["reason"].startswith("waiting for PostgreSQL: ")
    assert "127.0.0.1" not in trouble["reason"]
    assert bookapp.client.post("/books/add", json={"title": "t", "author": "a"}).status_code == 201
    own_postgres.execute("ALTER ROLE relay LOGIN")
    wait_until(lambda: ready() == {"status": "ready"}, what="the relay")
