"""Answer agents' browsers and the organiser's: who holds the secret part of a link may do what is behind it.

An agent's pages are below `/a/LINK`, the organiser's below `/o/LINK`. There is no cookie: another site knows no link,
and the token of a form is bound to it. All state is in the store, so a restart is not noticed.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request
from fastapi import Path as InPath
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from eval.study.people import ORGANISER
from eval.study.refusal import Refusal
from eval.study.server import organiser, views
from eval.study.server.words import REFUSED
from eval.study.store import Store
from plume.page import local_app
from plume.page.local_app import page

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
_STATICS = {file.name: file for file in sorted((HERE / "static").iterdir())}
_LARGEST = 2**53  # a whole number that browsers count to and the store can hold
Number = Annotated[int, InPath(ge=0, le=_LARGEST)]


class Tab(BaseModel):
    """What the writing page sends of its tab: the text, and what was counted since the tab was opened."""

    model_config = ConfigDict(extra="forbid")
    tab: str
    sequence: Annotated[int, Field(ge=0, le=_LARGEST)]
    text: str
    dropped: bool = False
    active_seconds: float
    pauses: list[float]
    keystrokes: int
    pasted_characters: int

    def counters(self) -> dict[str, Any]:
        return self.model_dump(include={"active_seconds", "pauses", "keystrokes", "pasted_characters"})


def make_app(store: Store, *, url: str | None = None, hosts: Collection[str] = ()) -> FastAPI:
    """Make the application of one study. `url` is the address that agents' browsers reach, if a proxy stands before."""
    app = local_app.make_app(
        hosts=hosts,
        url=url,
        statics=_STATICS,
        # A token is worth as much as the link that it is made from, which no other site knows: no secret is to be kept.
        secret=store.sha256.encode(),
        subject=lambda request: request.path_params.get("link", ""),
    )
    app.add_exception_handler(Refusal, _refused)
    _agents_pages(app, store)
    _writing(app, store)
    organiser.add_pages(app, store, url)

    @app.get("/")
    def root(request: Request) -> HTMLResponse:
        return page(request, TEMPLATES / "root.html.j2", title="Étude sur les réponses aux avis")

    return app


def _agents_pages(app: FastAPI, store: Store) -> None:
    @app.get("/a/{link}")
    def home(request: Request, link: str) -> HTMLResponse:
        """Show what is measured to whoever comes first, to others where they are."""
        agent = _agent(store, link)
        if not store.people.has_begun(agent):
            return page(request, TEMPLATES / "welcome.html.j2", **views.welcome(store, agent, link))
        return page(request, TEMPLATES / "progress.html.j2", **views.progress(store, agent, link))

    @app.post("/a/{link}/accord")
    def accept(link: str, experience: Annotated[str, Form()] = "") -> Response:
        store.people.begin(_agent(store, link), experience or None)
        return _go(f"/a/{link}/suite")

    @app.post("/a/{link}/depart")
    def leave(request: Request, link: str, sure: Annotated[str, Form()] = "") -> Response:
        agent = _agent(store, link)
        if not sure:
            raise Refusal("bad_answer")
        store.people.leave(agent, "asked")
        told = "Vous avez quitté l’étude. Merci de ce que vous avez fait. Vous pouvez fermer cette page."
        return page(request, TEMPLATES / "refusal.html.j2", title="Au revoir", told=told, back=None)

    @app.get("/a/{link}/suite")
    def task(request: Request, link: str, partie: str = "") -> Response:
        """Show what is to be done now; what a new block is about, before the first of it."""
        agent = _agent(store, link)
        if not store.people.has_begun(agent):
            return _go(f"/a/{link}")
        todo = store.next_task(agent)
        if isinstance(todo, str):
            return _go(f"/a/{link}")
        if views.block(todo) != partie:
            return page(request, TEMPLATES / "announcement.html.j2", **views.announcement(todo, link))
        if todo.kind == "writing":
            return page(request, TEMPLATES / "writing.html.j2", **views.writing(store, todo, link))
        opened = store.open_task(agent, todo.id)
        return page(request, TEMPLATES / "comparison.html.j2", **views.comparison(opened, link))

    @app.post("/a/{link}/taches/{number}/choix")
    def rate(
        link: str,
        number: Number,
        tab: Annotated[str, Form()],
        partie: Annotated[str, Form()] = "",
        choice: Annotated[str, Form()] = "",
        reasons: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    ) -> Response:
        store.rate(_agent(store, link), number, tab, choice, reasons)
        return _go(views.onward(link, partie))

    @app.post("/a/{link}/taches/{number}/probleme")
    def skip(
        link: str,
        number: Number,
        tab: Annotated[str, Form()],
        problem: Annotated[str, Form()] = "",
        partie: Annotated[str, Form()] = "",
        note: Annotated[str, Form()] = "",
    ) -> Response:
        store.skip(_agent(store, link), number, tab, problem, note)
        return _go(views.onward(link, partie))


def _writing(app: FastAPI, store: Store) -> None:
    """Add what the script of the writing page asks for."""

    @app.post("/a/{link}/taches/{number}/onglet")
    def claim(link: str, number: Number) -> JSONResponse:
        opened = store.open_task(_agent(store, link), number)
        return JSONResponse({"tab": opened.tab, "text": opened.text, "dropped": opened.unused})

    @app.post("/a/{link}/taches/{number}/texte")
    def save(link: str, number: Number, sent: Tab) -> JSONResponse:
        agent = _agent(store, link)
        store.save(agent, number, sent.tab, sent.text, sent.counters(), sent.sequence, unused=sent.dropped)
        return JSONResponse({})

    @app.post("/a/{link}/taches/{number}/envoi")
    def send(link: str, number: Number, sent: Tab, partie: str = "") -> JSONResponse:
        store.submit(_agent(store, link), number, sent.tab, sent.text, sent.counters(), unused=sent.dropped)
        return JSONResponse({"next": views.onward(link, partie)})


def _agent(store: Store, link: str) -> str:
    """Find whose link it is. Raises Refusal; the organiser's is no agent's."""
    holder = store.people.holder(link)
    if holder == ORGANISER:
        raise Refusal("unknown_link")
    return holder


def _go(where: str) -> RedirectResponse:
    return RedirectResponse(where, status_code=303)


def _refused(request: Request, error: Exception) -> Response:
    """Say in French why, with the way back; a script gets the words alone."""
    assert isinstance(error, Refusal)
    status, title, told = (REFUSED[error.reason][key] for key in ("status", "title", "told"))
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"error": told}, status)
    link = request.path_params.get("link", "")
    back = None if error.reason in ("unknown_link", "agent_left") else f"/{request.url.path.split('/')[1]}/{link}"
    return page(request, TEMPLATES / "refusal.html.j2", status, title=title, told=told, back=back)
