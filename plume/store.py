"""Finds MLflow's stores: their addresses, from and to a path; whether one is there, and is still the one that it was.

Imports MLflow only to close its connections: it takes seconds.
"""

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from pydantic import PlainSerializer

from plume.errors import InputError, without_secrets
from plume.paths import home

# A config's key for a store: whole in memory, without its secrets in all that is written of the config.
StoreUri = Annotated[str, PlainSerializer(without_secrets, return_type=str)]


def sqlite_uri(file: Path) -> str:
    """Write the URI of a SQLite store; escape what SQLAlchemy would decode or take for the beginning of a query.

    For such a name, and for no other, MLflow makes an empty folder of the escaped name as well.
    """
    return "sqlite:///" + re.sub("%(?=[0-9A-Fa-f]{2})|[?]", lambda found: quote(found[0]), str(file))


def local_file(uri: str) -> Path | None:
    """Find the file of a SQLite store; None for any other store, and for one in memory."""
    found = re.match(r"sqlite(?:\+\w+)?:///([^?]*)", uri)
    if not found:
        return None
    path = found[1]
    return None if path in ("", ":memory:") or path.startswith("file:") else Path(unquote(path))


def unless_of_environment(uri: str | None) -> str | None:
    """Give a URI that was kept without its secrets; None if it is that of MLFLOW_TRACKING_URI, which has them."""
    return None if uri and without_secrets(os.environ.get("MLFLOW_TRACKING_URI", "")) == uri else uri


def absolute(uri: str) -> str:
    """Make a store's URI mean the same in every folder: that of a SQLite file gets its whole path."""
    file = local_file(uri)
    return uri if file is None or file.is_absolute() else sqlite_uri(file.absolute())


def default_uri() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(home() / "mlflow.db")


def signed_in(uri: str) -> str:
    """Move user and password from a server's URI to the environment, where MLflow takes them: it prints the URI."""
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError as error:
        raise InputError(
            f"MLflow store {without_secrets(uri)}: is no address ({error}); check MLFLOW_TRACKING_URI"
        ) from None
    if parts.username is None:
        return uri
    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username)
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password or "")
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def check_server(uri: str) -> None:
    """Raise InputError unless an MLflow server answers there."""
    import requests
    from requests.utils import select_proxy

    try:
        requests.get(f"{uri.rstrip('/')}/health", timeout=5).raise_for_status()
    except (requests.RequestException, ValueError):  # ValueError: a host that no library reads
        proxies = requests.utils.get_environ_proxies(uri)
        through = (
            f" (asked through the proxy {without_secrets(str(proxy))})" if (proxy := select_proxy(uri, proxies)) else ""
        )
        raise InputError(
            f"MLflow store {without_secrets(uri)}: does not answer{through}; start it, or unset "
            f"MLFLOW_TRACKING_URI to use {home() / 'mlflow.db'}"
        ) from None


# --- looked at on its disk


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
