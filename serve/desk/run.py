"""Serve the desk until Ctrl-C."""

from contextlib import closing
from pathlib import Path

from plume.command import say, status
from plume.errors import InputError
from plume.page import local_app
from serve.desk.app import make_app
from serve.desk.config import DeskConfig
from serve.desk.given_reviews import GivenReviews
from serve.desk.guard_client import GuardClient, read_key
from serve.desk.refused import Refused
from serve.desk.store import Store


def run(config: DeskConfig, reviews: Path | None) -> None:
    """Serve the desk. Raises InputError."""
    try:
        read_key(config.key)
    except Refused:
        raise InputError(
            f"{config.key}: holds no key of the server; make one with `plume serve key add bureau`, write it there, "
            "readable by this user alone, or name another file with key_file="
        ) from None
    with status("reading the reviews"):
        given = GivenReviews.read(reviews)
    with closing(Store(config.folder)) as store:

        def tell(address: str) -> None:
            if reviews:
                say(f"{reviews}: {len(given.all)} reviews to pick from, {given.left_out} records left out")
            say(f"{config.url or address}/ asks {config.guard} (Ctrl-C ends it)")

        app = make_app(store, GuardClient(config), given, config)
        local_app.run(app, str(config.host), config.port, tell=tell)
