"""Serve a study: make the links that are missing, print them once, and answer browsers until Ctrl-C."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from eval.study.config import StudyConfig
from eval.study.people import ORGANISER
from eval.study.preregistration import CONFIG, read_preregistration
from eval.study.server.app import make_app
from eval.study.store import Store
from plume.command import say, status
from plume.errors import InputError
from plume.page.local_app import run

_USUAL = {"http": 80, "https": 443}  # ports that browsers leave out
_HOST = re.compile(r"[a-z0-9._:-]+")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - as the user names it


def serve(folder: Path, host: str, port: int, *, url: str | None = None, new_links: bool = False) -> None:
    """Serve the study of a folder. Raises InputError."""
    url = _address(url or _configured(folder))
    if host in _EVERYWHERE and not url:
        name = socket.gethostname()
        raise InputError(f"--host {host}: say by which address agents reach it, such as --url http://{name}:{port}")
    read_preregistration(folder)  # what is wrong with it is said before the wait
    with status("loading what masks personal data"):  # the first text of an agent must not wait for it
        opened = Store(folder)
    with opened as store:
        app = make_app(store, url=url, hosts=[host])

        def tell(address: str) -> None:
            for line in _links(store, url or address, new_links=new_links):
                say(line)
            say(f"{address} (Ctrl-C ends it)")

        run(app, host, port, tell=tell)


def _configured(folder: Path) -> str | None:
    """Read the address that the study's config names."""
    path = folder / CONFIG
    return StudyConfig.load(path).url if path.is_file() else None


def _address(url: str | None) -> str | None:
    """Give scheme and host of the public address, as browsers name them. Raises InputError for anything more.

    A path is refused, too: links and styles begin at the root.
    """
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        name, port = (parts.hostname or "").encode("idna").decode(), parts.port
        more = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    except ValueError:
        name, more = "", True
    if more or not _HOST.fullmatch(name) or parts.scheme not in _USUAL:
        raise InputError(f"--url {url}: scheme and host alone are wanted, such as https://etude.example.gouv.fr")
    name = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{name}" + (f":{port}" if port not in (None, _USUAL[parts.scheme]) else "")


def _links(store: Store, base: str, *, new_links: bool) -> Iterator[str]:
    """Make the links that nobody has, or all of them, and say them: only their hashes are kept."""
    kept = 0
    for holder in (ORGANISER, *store.people.agents()):
        if store.people.has_link(holder) and not new_links:
            kept += 1
            continue
        yield f"{holder}: {base}/{'o' if holder == ORGANISER else 'a'}/{store.people.new_link(holder)}"
    if kept:
        yield f"links that were printed before still hold: {kept}; --new-links replaces all of them"
