"""Looks at MLflow's stores on disk: whether one is there, and whether it still is the one that it was."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from plume.store_uri import local_file


def ask(file: Path, query: str, *values: str, timeout: float = 5) -> list[tuple[Any, ...]]:
    """Query a SQLite store without MLflow, which takes seconds to be imported. Writes nothing. Raises sqlite3.Error."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=timeout)) as opened:
        return opened.execute(query, values).fetchall()


def is_there(uri: str) -> bool:
    """Tell whether a store holds MLflow's tables, or its folders."""
    if uri.startswith("sqlite"):
        file = local_file(uri)
        if file is None or not file.is_file():
            return False
        return bool(ask(file, "SELECT 1 FROM sqlite_master WHERE name = 'experiments'", timeout=20))
    scheme = urlsplit(uri).scheme
    if scheme in ("", "file"):
        folder = Path(url2pathname(urlsplit(uri).path) if scheme else uri)
        return any(folder.glob("*/meta.yaml"))
    if scheme.split("+")[0] in ("postgresql", "mysql", "mssql"):
        import sqlalchemy

        engine = sqlalchemy.create_engine(uri)
        try:
            return sqlalchemy.inspect(engine).has_table("experiments")
        finally:
            engine.dispose()
    return True


_files: dict[str, tuple[int, int] | None] = {}  # SQLite stores that were connected to, and which file each was


def identity(uri: str) -> tuple[int, int] | None:
    """Identify the file of a SQLite store: another file of the same name is another store. None for any other store."""
    file = local_file(uri)
    if file is None:
        return None
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def let_go_of_another(uri: str) -> None:
    """Close MLflow's connections to a file that was removed or replaced: they would go on writing to what is gone."""
    now = identity(uri)
    if _files.get(uri, now) != now:
        from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as Registry
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as Tracking

        for store in (Tracking, Registry):
            if engine := store._engine_map.get(uri):
                engine.dispose()
    _files[uri] = now
