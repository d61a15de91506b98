"""Answers agents' browsers: a list to pick from, one page for each review, and what their script asks for.

Who reaches the desk may do all of it: it listens on this machine alone, and nginx decides who comes from elsewhere.
Everything is in the store, so neither a killed browser nor a restart loses a word.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from plume.database import NotSaved
from plume.page import local_app
from plume.page.local_app import page
from plume.page.typed import clean
from plume.page.word_differences import mark_differences
from serve.desk import asked, sending, views
from serve.desk.config import DeskConfig
from serve.desk.given_reviews import GivenReviews
from serve.desk.guard_client import GuardClient
from serve.desk.refused import Refused
from serve.desk.store import LONGEST, MOST_SECONDS, Store, Work

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
_STATICS = {file.name: file for file in sorted((HERE / "static").iterdir())}
_Short = Annotated[str, Field(max_length=200)]
_FieldName = Annotated[str, Field(max_length=1_100)]  # that of a passage holds its id


class Sent(BaseModel):
    """What a page sends of its tab: what is typed, the active time, and for which draft.

    Attributes:
        known: how many drafts the page knows: asked for twice, a draft is written once.
        value: of the button that was pressed.
    """

    model_config = ConfigDict(extra="forbid")
    tab: _Short
    sequence: Annotated[int, Field(ge=0, le=2**53)] = 0
    draft: _Short = ""
    known: int = 0
    text: str = ""
    typed: Annotated[dict[_FieldName, str], Field(max_length=60)] = {}
    active_seconds: Annotated[float, Field(ge=0, le=MOST_SECONDS, allow_inf_nan=False)] = 0.0
    value: _Short = ""

    def fields(self) -> dict[str, str]:
        """Give all that is typed on the page, its text by the name that it has there."""
        return {**self.typed, "text" if self.draft else "review": self.text}


def make_app(
    store: Store, guard: GuardClient, given: GivenReviews, config: DeskConfig, *, every: float = sending.EVERY
) -> FastAPI:
    """Make the desk's application; while it runs, decisions that wait are sent."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(sending.keep_sending(store, guard, every))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await guard.close()

    app = local_app.make_app(url=config.url, statics=_STATICS, secret=store.secret, lifespan=lifespan)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(NotSaved, lambda request, _: _refused(request, Refused("not_saved")))
    _home(app, store, guard, given)
    _review(app, store, given, config)
    _drafts(app, store, guard)
    return app


def _home(app: FastAPI, store: Store, guard: GuardClient, given: GivenReviews) -> None:
    @app.get("/")
    def home(
        request: Request, cherche: _Short = "", feuille: Annotated[int, Query(ge=1, le=10_000)] = 1
    ) -> HTMLResponse:
        return page(request, TEMPLATES / "home.html.j2", **views.home(store, given, cherche, feuille))

    @app.post("/avis")
    def begin(reference: Annotated[str, Form()] = "") -> Response:
        """Open a review: an empty one to paste into, or one of the given file."""
        if not reference:
            return _go(f"/avis/{store.begin({})}")
        if reference not in given.by_id:
            raise Refused("no_review")
        return _go(f"/avis/{store.begin(given.by_id[reference].fields, reference)}")

    @app.get("/structures")
    def structures(q: _Short = "", network: _Short = "") -> JSONResponse:
        return JSONResponse(given.structures(q, network))

    @app.post("/decisions/{draft}/envoi")
    async def send_again(draft: str) -> Response:
        for decision in await asyncio.to_thread(store.waiting):
            if decision.draft == draft:
                await sending.send(store, guard, decision)
        return _go("/#attente")

    @app.post("/decisions/{draft}/oubli")
    def give_up(draft: str) -> Response:
        store.sent(draft)
        return _go("/#attente")


def _review(app: FastAPI, store: Store, given: GivenReviews, config: DeskConfig) -> None:
    @app.get("/avis/{identity}")
    def show(request: Request, identity: str) -> HTMLResponse:
        work = store.work(identity)
        template = "ask" if not work.drafts else "write" if work.current else "choose"
        return page(request, TEMPLATES / f"{template}.html.j2", **views.review(work, given, config.idle_seconds))

    @app.post("/avis/{identity}/onglet")
    def claim(identity: str) -> JSONResponse:
        tab, work = store.claim(identity)
        typed = work.current.typed if work.current else {} if work.drafts else work.typed
        text = work.current.text if work.current else typed.get("review", "")
        return JSONResponse({"tab": tab, "text": text, "typed": typed})

    @app.post("/avis/{identity}/texte")
    def save(identity: str, sent: Sent) -> JSONResponse:
        store.save(identity, sent.tab, sent.draft, sent.fields(), sent.active_seconds, sent.sequence)
        return JSONResponse({})

    @app.post("/avis/{identity}/differences")
    def differences(identity: str, sent: Sent) -> JSONResponse:
        """Mark the words of a text that its draft lacks, and the other way round."""
        draft, text = store.work(identity).draft(sent.draft).answer["draft"], clean(sent.text)
        sides = mark_differences(draft, text) if len(text) <= LONGEST else None
        return JSONResponse({"same": text == draft.strip(), "before": sides and sides[0], "after": sides and sides[1]})

    @app.post("/avis/{identity}/effacer")
    def forget(identity: str) -> Response:
        store.forget(identity)
        return _go("/")


def _drafts(app: FastAPI, store: Store, guard: GuardClient) -> None:
    """Add what changes a review for good: each request holds the page's last state, and is kept before all else."""
    turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)  # two clicks ask for one draft

    async def write(identity: str, sent: Sent, ask: Callable[[Work], Awaitable[tuple[list, dict]]]) -> JSONResponse:
        async with turns[identity]:
            work = await asyncio.to_thread(_keep, store, identity, sent)
            if len(work.drafts) == sent.known:  # else it was asked for already: a second click, or an answer was lost
                answers, body = await ask(work)
                await asyncio.to_thread(store.add_drafts, identity, answers, body)
        return JSONResponse({"next": f"/avis/{identity}"})

    @app.post("/avis/{identity}/brouillon")
    async def draft(identity: str, sent: Sent) -> JSONResponse:
        async def ask(work: Work) -> tuple[list, dict]:
            body = asked.for_draft(work)
            return await guard.draft(body), body

        return await write(identity, sent, ask)

    @app.post("/avis/{identity}/encore")
    async def again(identity: str, sent: Sent) -> JSONResponse:
        async def ask(work: Work) -> tuple[list, dict]:
            body = asked.for_again(work, work.draft(sent.draft))
            return await guard.again(sent.draft, body), body

        return await write(identity, sent, ask)

    @app.post("/avis/{identity}/choix")
    def take(identity: str, sent: Sent) -> JSONResponse:
        """Go on with another draft; with none, compare the last ones."""
        _keep(store, identity, sent)
        store.take(identity, sent.value or None)
        return JSONResponse({"next": f"/avis/{identity}"})

    @app.post("/avis/{identity}/decision")
    async def decide(identity: str, sent: Sent) -> JSONResponse:
        async with turns[identity]:
            await asyncio.to_thread(_decide, store, identity, sent)
        waiting = [each for each in await asyncio.to_thread(store.waiting) if each.draft == sent.draft]
        trouble = await sending.send(store, guard, waiting[0]) if waiting else None
        return JSONResponse(views.decided(sent.value, clean(sent.text), trouble))


def _keep(store: Store, identity: str, sent: Sent) -> Work:
    """Keep the state of a page, a button of which is pressed."""
    told = (sent.tab, sent.draft, sent.fields(), sent.active_seconds, sent.sequence)
    return store.save(identity, *told, pressed=True)


def _decide(store: Store, identity: str, sent: Sent) -> None:
    """Keep a decision, once: asked again, it is kept already."""
    if store.decision_of(identity) == sent.draft:
        return
    work = _keep(store, identity, sent)
    store.decide(identity, sent.draft, asked.decision(work, work.draft(sent.draft), sent.value, clean(sent.text)))


def _go(where: str) -> RedirectResponse:
    return RedirectResponse(where, status_code=303)


def _refused(request: Request, error: Exception) -> Response:
    """Say in French why; a page's script gets the words alone."""
    assert isinstance(error, Refused)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"title": error.title, "error": error.told}, error.status)
    return page(request, TEMPLATES / "refused.html.j2", error.status, title=error.title, told=error.told)
