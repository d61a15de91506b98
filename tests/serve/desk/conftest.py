"""A desk that is served, and a guard that answers as serve/guard/schema.py says: what it is asked is recorded."""

import itertools
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from serve.desk.config import DeskConfig
from serve.desk.given_reviews import GivenReviews
from serve.desk.guard_client import GuardClient
from serve.desk.store import Store
from serve.guard.refusal import Reason, Refusal
from serve.guard.schema import AgainRequest, Decision, DraftRequest, DraftResponse

KEY = "cle-du-bureau"
DRAFT = (
    "Bonjour Zaza29,\n\nNous regrettons ce délai. Vous pouvez suivre votre demande sur {site}, ou au [TEL].\n\nMerci."
)
PASSAGES = [
    {"id": "F1050#2", "title": "Carte grise : suivre sa demande", "where": ["Comment faire ?", "En ligne"],
     "cited": True, "text": "Le suivi se fait en ligne, dans l’espace de la personne qui a fait la demande.", "url": "https://www.service-public.fr/F1050"},
    {"id": "F1707#1", "title": "Certificat provisoire", "where": [], "cited": False,
     "text": "Le certificat provisoire d’immatriculation est valable 1 mois.", "url": None},
]  # fmt: skip


@dataclass
class FakeGuard:
    """Answers as the guard does. `refuse` is the next refusal; `asked` all that came."""

    asked: list = field(default_factory=list)
    decisions: dict = field(default_factory=dict)
    refuse: Refusal | None = None
    findings: bool = True
    numbers: itertools.count = field(default_factory=itertools.count)
    drafts: dict = field(default_factory=dict)

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.middleware("http")
        async def admit(request: Request, go_on):
            if request.headers.get("authorization") != f"Bearer {KEY}":
                return Refusal(Reason.NO_KEY).response()
            if self.refuse:
                return self.refuse.response()
            return await go_on(request)

        @app.post("/v1/drafts")
        def draft(asked: DraftRequest) -> DraftResponse:
            self.asked.append(asked.model_dump(exclude_unset=True))
            return self._answer(asked, asked.alternatives)

        @app.post("/v1/drafts/{identity}/again")
        def again(identity: str, asked: AgainRequest) -> DraftResponse:
            if identity not in self.drafts:
                return Refusal(Reason.NO_DRAFT).response()
            self.asked.append(asked.model_dump(exclude_unset=True))
            return self._answer(asked, asked.alternatives, identity)

        @app.post("/v1/drafts/{identity}/decision")
        def decide(identity: str, decision: Decision) -> JSONResponse:
            if identity not in self.drafts:
                return Refusal(Reason.NO_DRAFT).response()
            self.decisions[identity] = decision.model_dump(exclude_none=True)
            return JSONResponse({"id": identity, "outcome": decision.outcome})

        return app

    def _answer(self, asked, alternatives, again_of=None):
        first, *others = [self._draft(asked, again_of) for _ in range(alternatives)]
        return DraftResponse.model_validate({**first, "alternatives": others})

    def _draft(self, asked, again_of):
        number = next(self.numbers)
        identity = f"draft-{number:024x}"
        self.drafts[identity] = asked
        text = DRAFT.format(site=["service-public.fr", "ants.gouv.fr", "votre espace"][number % 3])
        if asked.instruction:
            text = text.replace("Nous regrettons ce délai. ", "")
        at = text.index("[TEL]")
        findings = [
            {"check": "contacts", "gating": True, "detail": "remplacé par [TEL]", "rules": ["phone.ten"],
             "start": at, "end": at + 5},
            {"check": "tone", "gating": False, "detail": "« Vous pouvez suivre »", "rules": ["advice"]},
        ]  # fmt: skip
        passages = [
            {"kind": "sheet", "updated_on": "2026-10-01", "licence": "Licence ouverte 2.0", "audience": "particuliers",
             **passage, "number": place, "kept": passage["id"] in asked.keep_sources}
            for place, passage in enumerate((p for p in PASSAGES if p["id"] not in asked.drop_sources), 1)
        ]  # fmt: skip
        return {
            "id": identity,
            "draft": text,
            "cited_draft": text,
            "findings": findings if self.findings else [],
            "sources": [
                {"kind": "domain", "value": "service-public.fr", "label": "Service-public.fr",
                 "source": "service-public.fr", "checked_on": "2026-09-01"}
            ],
            "passages": passages,
            "again_of": again_of,
            "examples": [],
            "model": "plume-reply@v3",
            "version": 3,
            "prompt": "v3",
            "masked": {},
            "finish_reason": "stop",
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }  # fmt: skip


@pytest.fixture
def guard():
    return FakeGuard()


@pytest.fixture
def stores():
    """Stores that are closed at the end, after what serves them."""
    opened = []
    yield opened
    for store in opened:
        store.close()


@pytest.fixture
def make_desk(stores, tmp_path, served, guard):
    """make_desk(reviews=…) -> a desk beside the guard: its store, its app; `config` has the guard's address."""

    def make(reviews=None, *, address=None, **settings):
        (tmp_path / "key").write_text(f"{KEY}\n")
        settings = {"key_file": tmp_path / "key", "state": tmp_path / "desk", "timeout": 20} | settings
        config = DeskConfig(guard=address or served(guard.app()), **settings)
        store = Store(config.folder)
        stores.append(store)
        from serve.desk.app import make_app

        app = make_app(store, GuardClient(config), GivenReviews.read(reviews), config, every=0.2)
        return SimpleNamespace(store=store, app=app, config=config, folder=config.folder)

    return make


@pytest.fixture
def serve_desk(make_desk, served):
    """serve_desk(…) -> the same, answering on a port: `address`."""

    def serve(*args, **settings):
        desk = make_desk(*args, **settings)
        desk.address = served(desk.app)
        return desk

    return serve
