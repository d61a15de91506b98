"""Serve the page on which all items are read side by side. It changes nothing but the notes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import FastAPI, Form, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response, StreamingResponse

import plume
from eval import measures
from eval.browse import filters as said
from eval.browse.downloads import to_csv, to_json
from eval.browse.filters import MISSING, Filters
from eval.browse.inputs import System, to_browse
from eval.browse.items import Item, Items, index
from eval.browse.notes import LONGEST, Notes, StaleError, tidy
from eval.browse.passages import sources_shown
from eval.browse.side import against, sides
from eval.measures import COPYING
from plume.checks.registry import CHECKS
from plume.errors import InputError
from plume.french.text import count_words
from plume.page.local_app import make_app, page, run

HERE = Path(__file__).parent
SHOWN = 20  # items a page
NO_DRAFT = "Pas de brouillon"
_KINDS = {"csv": (to_csv, "text/csv; charset=utf-8"), "jsonl": (to_json, "application/jsonl")}

View = Annotated[Filters, Query()]


def browse(named: list[Path], data: Path | None, notes: Path | None, port: int) -> None:
    """Read what is named and serve it to this machine until Ctrl-C. Raises InputError."""
    browsed = to_browse(named, data)
    run(make(Items(browsed, index(browsed), Notes(notes or browsed.notes))), "127.0.0.1", port)


def make(items: Items) -> FastAPI:
    """Make the app of some items."""
    app = make_app(statics={"browse.js": HERE / "browse.js", "browse.css": HERE / "browse.css"})
    systems = items.browsed.systems
    common = {
        "title": items.browsed.title,
        "systems": systems,
        "said": said,
        "checks": [(m, measures.find(m).label) for m in items.checks] + [(MISSING, NO_DRAFT)],
        "networks": items.networks,
        "sentiments": items.sentiments,
        "notes": items.notes,
        "labels": lambda measure: NO_DRAFT if measure == MISSING else measures.find(measure).label,
        "compared": [(str(n), system.name) for n, system in enumerate(systems)] if len(systems) > 1 else [],
        "version": plume.__version__,
        "quote": lambda text: quote(text, safe=""),
    }

    known = {"", MISSING, COPYING, *(check.measure for check in CHECKS.values())}

    def checked(filters: Filters) -> Filters:
        """Refuse a view of what is not there."""
        if filters.system and int(filters.system) >= len(systems):
            raise HTTPException(422, "L’adresse désigne un système qui n’est pas affiché ici.")
        if filters.check not in known:  # one that is switched off finds nothing
            raise HTTPException(422, "L’adresse désigne un contrôle que plume ne connaît pas ici.")
        items.notes.refresh()
        return filters

    @app.get("/")
    def listing(request: Request, filters: View) -> Response:
        checked(filters)
        if "" in request.query_params.values():  # of a form: the address that stays says only what filters
            return RedirectResponse(f"/?{filters.query()}", 303)
        found, _ = items.order(filters)
        pages = max(1, -(-len(found) // SHOWN))
        at = min(filters.page, pages)
        shown = found[(at - 1) * SHOWN : at * SHOWN]
        view = [*_described(filters, systems, dict(common["checks"]))]
        values = {
            "filters": filters,
            "view": view,
            "found": found,
            "shown": shown,
            "at": at,
            "pages": pages,
            "items": items,
        }
        return page(request, HERE / "list.html.j2", **common, **values)

    def one(request: Request, item: str, filters: Filters, typed: str | None = None, status: int = 200) -> Response:
        if item not in items.at:
            raise HTTPException(404, "Cet avis n’est pas parmi ceux qui sont affichés ici.")
        found, places = items.order(filters)
        place = places.get(item)
        shown = items.all[items.at[item]]
        reply, made = sides(shown, items.browsed, filters)
        values = {
            "item": shown,
            "reply": reply,
            "sides": made,
            "sources": sources_shown(shown, items.browsed),
            "words": count_words(shown.pair["review"]),
            "filters": filters,
            "against": against(filters, len(systems)),
            "place": place,
            "total": len(found),
            "near": _neighbours(found, place),
            "back": filters.query(page=1 if place is None else place // SHOWN + 1),
            "typed": typed,
            "before": items.notes.digest(item),
            "longest": LONGEST,
        }
        return page(request, HERE / "item.html.j2", status, **common, **values)

    @app.get("/items/{item:path}")
    def item(request: Request, item: str, filters: View) -> Response:
        return one(request, item, checked(filters))

    @app.post("/items/{item:path}")
    def note(
        request: Request,
        item: str,
        filters: View,
        note: Annotated[str, Form()] = "",
        before: Annotated[str, Form()] = "",
    ) -> Response:
        checked(filters)
        if item not in items.at:
            raise HTTPException(404, "Cet avis n’est pas parmi ceux qui sont affichés ici.")
        if len(tidy(note)) > LONGEST:
            raise HTTPException(413, f"Rien n’a été enregistré : une note a au plus {LONGEST} caractères.")
        try:
            items.notes.keep(item, note, before)
        except StaleError:
            return one(request, item, filters, typed=note, status=409)
        except InputError as error:
            raise HTTPException(500, f"La note n’est pas enregistrée : {error}") from None
        return RedirectResponse(f"/items/{quote(item, safe='')}?{filters.query()}#note", 303)

    @app.get("/download.{kind}")
    def download(kind: str, filters: View) -> Response:
        if kind not in _KINDS:
            raise HTTPException(404)
        write, media = _KINDS[kind]
        found, _ = items.order(checked(filters))
        headers = {"Content-Disposition": f'attachment; filename="plume-avis.{kind}"'}
        return StreamingResponse(write(found, systems, items.notes), media_type=media, headers=headers)

    return app


def _described(filters: Filters, systems: Sequence[System], checks: dict[str, str]) -> Iterator[str]:
    """Say in words what a view shows, for its title and for print."""
    told = {
        "Texte": filters.text,
        "Contrôle": checks.get(filters.check),
        "Résultat": said.CHANGES.get(filters.change),
        "Système": systems[int(filters.system)].name if filters.system else None,
        "Réseau": filters.network,
        "Ressenti": filters.sentiment,
        "Longueur": said.LENGTHS.get(filters.length),
        "Notes": said.NOTED.get(filters.noted),
        "Ordre": said.SORTS.get(filters.sort),
    }
    yield from (f"{name} : {text}" for name, text in told.items() if text)


def _neighbours(found: list[Item], place: int | None) -> dict[str, str | None]:
    """Name the items before and after one in a view; an item outside of it has none."""
    if place is None:
        return {"previous": None, "next": None}
    before, after = found[place - 1 : place], found[place + 1 : place + 2]
    return {"previous": before[0].id if before else None, "next": after[0].id if after else None}
