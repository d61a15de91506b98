from serve.postgres import Postgres


def test_try(postgres_uri):
    db = Postgres(postgres_uri)
    assert db.run("SELECT 1") == [(1,)]
    with db.locked("x"):
        db.run("SELECT 2")
