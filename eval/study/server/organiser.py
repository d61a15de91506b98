"""Answer the organiser: how far each agent and arm is, new links, agents who come and go, the files of the results."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from eval.study import exports
from eval.study.people import ORGANISER
from eval.study.progress import Progress, progress
from eval.study.refusal import Refusal
from eval.study.store import Store
from plume.page import Table
from plume.page.local_app import page
from plume.page.numbers import count

_TEMPLATE = Path(__file__).parent / "templates" / "organiser.html.j2"
FILES: dict[str, tuple[str, Callable[[Path], bytes]]] = {
    "ratings.jsonl": ("les brouillons comparés : quel système a été préféré", exports.ratings),
    "decisions.jsonl": ("ce que les agents ont fait des brouillons, avec le temps actif", exports.decisions),
    "records.jsonl": ("tout ce qui a été enregistré, pour l’analyse", exports.records),
}
_STATES = {"invited": "invité", "began": "a commencé", "finished": "a tout écrit", "left": "est parti"}


def add_pages(app: FastAPI, store: Store, url: str | None) -> None:
    """Add the organiser's page and what its buttons ask for. `url` begins the links that are made there."""

    def show(request: Request, link: str, **more: Any) -> HTMLResponse:
        return page(request, _TEMPLATE, **_given(store, link), **more)

    def address(request: Request, agent: str) -> str:
        base = url or str(request.base_url)
        return f"{base.rstrip('/')}/a/{store.people.new_link(agent)}"

    @app.get("/o/{link}")
    def overview(request: Request, link: str) -> HTMLResponse:
        _check(store, link)
        return show(request, link)

    @app.post("/o/{link}/lien")
    def renew(request: Request, link: str, agent: Annotated[str, Form()]) -> HTMLResponse:
        _check(store, link)
        if agent in store.people.gone():  # noted by mistake, or they changed their mind
            store.people.come_back(agent)
        elif agent not in store.people.agents():
            raise Refusal("no_agent")
        return show(request, link, whose=agent, made=address(request, agent))

    @app.post("/o/{link}/agent")
    def add(request: Request, link: str, known: Annotated[int, Form()]) -> HTMLResponse:
        """Add an agent, once: `known` is how many agents the page of the button knew."""
        _check(store, link)
        agent = store.people.add(known)
        return show(request, link, whose=agent, made=address(request, agent))

    @app.post("/o/{link}/depart")
    def leave(link: str, agent: Annotated[str, Form()]) -> Response:
        _check(store, link)
        if agent in store.people.agents():
            store.people.leave(agent)
        elif agent not in store.people.gone():  # else a double click
            raise Refusal("no_agent")
        return RedirectResponse(f"/o/{link}", status_code=303)

    @app.get("/o/{link}/{name}")
    def download(link: str, name: str) -> Response:
        _check(store, link)
        if name not in FILES:
            raise HTTPException(404)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(FILES[name][1](store.folder), media_type="application/jsonl; charset=utf-8", headers=headers)


def _check(store: Store, link: str) -> None:
    if store.people.holder(link) != ORGANISER:
        raise Refusal("unknown_link")


def _given(store: Store, link: str) -> dict[str, Any]:
    found = progress(store.db)
    here = [each for each in found if each.state != "left"]
    done = sum(p.state == "finished" for p in here)
    return {
        "title": "Suivi de l’étude",
        "words": f"{count(len(here), 'agent')}. Au bout de leurs réponses : {done}.",
        "agents": Table.of("Où en est chacun", found, _COLUMNS),
        "arms": _arms(found),
        "flow": _flow(exports.read(store.folder).flow),
        "names": [each.agent for each in here],
        "gone": store.people.gone(),
        "known": len(found),
        "files": {name: words for name, (words, _) in FILES.items()},
        "here": f"/o/{link}",
    }


_COLUMNS: dict[str, Callable[[Progress], str]] = {
    "Agent": lambda p: p.agent,
    "État": lambda p: _STATES[p.state],
    "Avec brouillon": lambda p: f"{p.with_draft} sur {p.to_write_with_draft}",
    "Sans brouillon": lambda p: f"{p.written - p.with_draft} sur {p.to_write - p.to_write_with_draft}",
    "Brouillons comparés": lambda p: str(p.compared),
    "Réponses comparées": lambda p: str(p.rated),
    "Mis de côté": lambda p: str(p.skipped),
    "Mesures à vérifier": lambda p: str(p.beyond),
    "Dernier signe": lambda p: _when(p.last),
}


def _when(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return f"{dt.datetime.fromtimestamp(seconds).astimezone():%d/%m %H:%M}"


def _arms(found: list[Progress]) -> Table:
    written, with_draft = sum(p.written for p in found), sum(p.with_draft for p in found)
    rows = [["Avec brouillon", str(with_draft)], ["Sans brouillon", str(written - with_draft)]]
    return Table("Réponses envoyées", ["Bras", "Réponses"], rows)


def _flow(flow: dict[str, Any]) -> Table:
    """Lay out who and what was there at first, and what became of it."""
    writing = flow["writing"]
    rows = [
        ["Agents invités", flow["invited"]],
        ["Agents qui ont commencé", flow["began"]],
        ["Agents qui ont écrit toutes leurs réponses", flow["finished"]],
        ["Agents partis", flow["left"]],
        ["Réponses à écrire", writing["given"]],
        ["Réponses envoyées", writing["done"]],
        ["Avis mis de côté", sum(writing["left_out"].values())],
        ["Réponses en cours", writing["begun"]],
        ["Réponses pas encore commencées", writing["not_begun"]],
        ["Réponses d’agents partis avant", writing["of_agents_who_left"]],
        ["Avis répondus avec et sans brouillon", flow["items"]["in_both_arms"]],
    ]
    return Table("Qui a fait quoi", ["Étape", "Nombre"], [[words, str(number)] for words, number in rows])
