"""One review, one draft: masked, rendered as in training, written, checked, the citizen's pseudonym filled in."""

import asyncio
import re
import secrets
import sqlite3
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from plume.adapters import Adapter
from plume.checks.coordinates import details
from plume.contacts import Contact, Directory
from plume.errors import InputError
from plume.prompt import PSEUDONYM, Prompt, encode_within, load_prompt
from serve.alias import Deployed, Watched
from serve.engine import DECODING
from serve.guard.asked import Asked
from serve.guard.engine import Engine, Receive, Refused, Scope, Written
from serve.guard.journal import Journal
from serve.guard.pool import Pool, Unavailable
from serve.guard.schema import Case, Decision, DraftResponse, Finding, Source, Usage
from serve.guard.seen import Seen

_PLACE = re.compile(r"\[([A-Z]+)(?:_\d+)?\]")  # a placeholder


class Failed(Exception):  # noqa: N818 - told to the client: status, kind, one line
    """No draft: `kind` is counted, the message quotes nothing that was sent."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


@dataclass(frozen=True)
class Started:
    """What serve.json says, as the guard needs it."""

    tokenizer: Any
    stop_token_id: int
    max_model_len: int
    max_new_tokens: int
    examples: int


class Desk:
    """Where drafts are written and decisions are noted."""

    def __init__(
        self,
        started: Started,
        aliases: Watched,
        engine: Engine,
        pool: Pool,
        journal: Journal,
        seen: Seen,
        retriever: Any,
    ) -> None:
        self.started, self.aliases, self.engine, self.pool, self.seen = started, aliases, engine, pool, seen
        self._journal, self._retriever = journal, retriever
        self._disk = ThreadPoolExecutor(1, "journal")  # SQLite may wait for the disk: not in the event loop
        self.directory = Directory.load()

    async def draft(self, case: Case, conversation: str | None, asked: Asked, receive: Receive) -> DraftResponse:
        """Raises Failed. Drafts of one `conversation` are written by one version."""
        begun, identity = time.time(), f"draft-{secrets.token_hex(12)}"
        deployed = self.aliases.current.choose(conversation or asked.request)
        asked.version = deployed.version
        prompt = prompt_of(deployed)
        shown, fill, masked = await self._mask(case)
        past = await self._past(shown)
        ids, examples = self._encode(prompt, shown, past)
        written = await self._write(deployed, ids, asked.scope, receive)
        draft = written.text.strip()
        try:
            judged = await self.pool.ask("judge", draft=draft, review=shown["review"], prompt=prompt.text(shown))
        except Unavailable as error:
            raise Failed(503, "checks", f"the draft could not be checked ({error}); ask again") from None
        failed = [finding["check"] for finding in judged["findings"] if finding["gating"] and not finding["passed"]]
        self._count(deployed, written, masked, judged, failed, time.time() - begun)
        kept = {**shown, "draft": judged["draft"], "failed": failed, "prompt": prompt.version}
        keeping = asyncio.ensure_future(self._keep(identity, begun, asked.client or "", deployed, kept))
        text, places = _filled(judged, fill)
        asked.audit = {
            "id": identity,
            "prompt_tokens": written.prompt_tokens,
            "draft_tokens": written.draft_tokens,
            "masked": dict(masked),
            "failed": failed,
            "withheld": len(places),
        }
        response = DraftResponse(
            id=identity,
            draft=text,
            findings=[*places, *_listed(judged)],
            sources=self._sources(text),
            examples=[past["id"] for past in examples],
            model=deployed.name,
            version=deployed.version,
            prompt=prompt.version,
            masked=dict(masked),
            finish_reason=written.finish_reason,
            usage=Usage(
                prompt_tokens=written.prompt_tokens,
                completion_tokens=written.draft_tokens,
                total_tokens=written.prompt_tokens + written.draft_tokens,
            ),
        )
        await keeping  # noted before an answer leaves
        return response

    async def decide(self, identity: str, decision: Decision, client: str) -> None:
        """Note what the agent made of a draft; `final` is masked first. Raises Failed."""
        if (decision.outcome == "edited") != (decision.final is not None):
            raise Failed(422, "request", "final: wanted if the outcome is edited, and only then")
        try:
            asked_by = await self._on_disk(self._journal.client_of, identity)
        except sqlite3.Error as error:
            raise Failed(507, "journal", f"the journal cannot be read ({error}); send it again later") from None
        if asked_by != client:
            raise Failed(404, "unknown", "no such draft of this client's")
        final = decision.final
        if final is not None:
            try:
                answer = await self.pool.ask("mask", texts=[final], replies=True, pseudonym=decision.pseudonym)
                final = answer["texts"][0]
            except Unavailable as error:
                raise Failed(503, "masking", f"the reply could not be masked ({error}); send it again") from None
        row = {"outcome": decision.outcome, "final": final, "seconds": decision.seconds}
        try:
            await self._on_disk(self._journal.add_decision, identity, time.time(), row)
        except sqlite3.Error as error:
            raise Failed(507, "journal", f"the decision could not be kept ({error}); send it again later") from None

    async def open(self) -> None:
        """The journal is looked at once before the first request; one that cannot be written stops no draft."""
        await self._on_disk(self._tell_journal)

    def _tell_journal(self) -> None:
        try:
            self._journal.waiting()
        except sqlite3.Error as error:
            self.seen.journal_errors.inc()
            print(f"plume: the journal cannot be used ({error}); drafts are written all the same", file=sys.stderr)  # noqa: T201

    async def waiting(self) -> int | None:
        """How many drafts and decisions MLflow has not got; None if the journal cannot be read."""
        try:
            return await self._on_disk(self._journal.waiting)
        except sqlite3.Error:
            return None

    async def close(self) -> None:
        await self._on_disk(self._journal.close)
        self._disk.shutdown()

    async def _mask(self, case: Case) -> tuple[dict[str, Any], str | None, Counter]:
        """The case as the model sees it, what [USAGER] stands for, and how many entities of each type were masked."""
        texts = [case.review, *([case.title] if case.title else [])]
        bodies = {"network": case.network, "structure": case.structure}
        try:
            answer = await self.pool.ask("mask", texts=texts, names=list(bodies.values()))
        except Unavailable as error:
            raise Failed(503, "masking", f"the review could not be masked ({error}); ask again") from None
        masked = Counter(span["type"] for spans in answer["spans"] for span in spans)
        called = dict(zip(bodies, answer["names"], strict=True))
        for field, given in bodies.items():
            if given and not called[field]:
                raise Failed(422, "request", f"{field}: is no name of a public service; send its name, or none")
            masked += Counter(_PLACE.findall(called[field] or "")) - Counter(_PLACE.findall(given or ""))
        names = [
            text[span["start"] : span["end"]]
            for text, spans in zip(texts, answer["spans"], strict=True)
            for span in spans
            if span["type"] == "USAGER"
        ]
        shown = {
            **called,
            "title": answer["texts"][1] if case.title else None,
            "review": answer["texts"][0],
        }
        return shown, case.pseudonym or (names[0] if names else None), masked

    async def _past(self, shown: dict[str, Any]) -> list[dict[str, Any]]:
        """Past replies to similar reviews; looking for them takes too long for the event loop."""
        if not self._retriever:
            return []
        return await asyncio.to_thread(self._retriever.similar, shown, self.started.examples)

    def _encode(
        self, prompt: Prompt, shown: dict[str, Any], past: list[dict[str, Any]]
    ) -> tuple[list[int], list[dict[str, Any]]]:
        room = self.started.max_model_len - self.started.max_new_tokens
        ids, past = encode_within(self.started.tokenizer, prompt, shown, past, room)
        if len(ids) > room:
            raise Failed(413, "too_long", f"the review makes a prompt of {len(ids)} tokens; at most {room} fit")
        return ids, list(past)

    async def _write(self, deployed: Deployed, ids: list[int], scope: Scope, receive: Receive) -> Written:
        asked = {
            **DECODING,
            "model": deployed.name,
            "prompt": ids,
            "max_tokens": self.started.max_new_tokens,
            "stop_token_ids": [self.started.stop_token_id],
        }
        try:
            return await self.engine.complete(scope, receive, asked)
        except Refused as error:
            busy = error.status == 503
            message = "too many requests are waiting; ask again" if busy else "the engine failed; ask again"
            raise Failed(503 if busy else 502, "busy" if busy else "engine", message) from None

    async def _keep(self, identity: str, made: float, client: str, deployed: Deployed, row: dict[str, Any]) -> None:
        """A draft that cannot be kept still goes out: only no decision on it can be noted."""
        try:
            await self._on_disk(self._journal.add_draft, identity, made, client, deployed.version, row)
        except sqlite3.Error as error:
            self.seen.journal_errors.inc()
            print(f"plume: the journal cannot be written ({error})", file=sys.stderr)  # noqa: T201

    async def _on_disk(self, function: Any, *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)

    def _sources(self, draft: str) -> list[Source]:
        found = {detail.text.strip().lower() for detail in details(draft).found}
        return [
            Source(kind=c.kind, value=c.value, label=c.label, source=c.source, checked_on=c.checked_on)
            for c in self.directory.contacts
            if any(_names(c, text) for text in found)
        ]

    def _count(
        self, deployed: Deployed, written: Written, masked: Counter, judged: dict, failed: list[str], seconds: float
    ) -> None:
        version = str(deployed.version)
        self.seen.prompt_tokens.labels(version).inc(written.prompt_tokens)
        self.seen.draft_tokens.labels(version).inc(written.draft_tokens)
        self.seen.first.labels(version).observe(written.first)
        self.seen.whole.labels(version).observe(seconds)
        if written.draft_tokens > 1:
            self.seen.each.labels(version).observe((written.seconds - written.first) / (written.draft_tokens - 1))
        for kind, number in masked.items():
            self.seen.masked.labels(version, kind).inc(number)
        for place in judged["withheld"]:
            self.seen.withheld.labels(version, place["check"]).inc()
        for check in failed:
            self.seen.failed.labels(version, check).inc()


@cache
def prompt_of(deployed: Deployed) -> Prompt:
    """The prompt that a version was trained with. Raises Failed."""
    try:
        return load_prompt(Adapter.load(deployed.folder).prompt)
    except InputError as error:
        raise Failed(502, "adapter", f"the adapter of version {deployed.version} cannot be read") from error


def _filled(judged: dict[str, Any], fill: str | None) -> tuple[str, list[Finding]]:
    """The draft with the citizen's pseudonym, or without a hole for it, and where something was cut out."""
    text, pieces, places, at, length = judged["draft"], [], [], 0, 0
    cuts = [(place["start"], place["end"], place) for place in judged["withheld"]]
    holes = [(start, start + len(PSEUDONYM), None) for start in _all(text, PSEUDONYM)]
    for start, end, place in sorted(cuts + holes, key=lambda piece: piece[:2]):
        before = text[at:start]
        new = text[start:end] if place else fill or ""
        if not place and not fill:
            before = before.removesuffix(" ")
        length += len(before)
        if place:
            detail = f"remplacé par {place['placeholder']}"
            places.append(
                Finding(check=place["check"], gating=True, detail=detail, start=length, end=length + len(new))
            )
        length += len(new)
        pieces += [before, new]
        at = end
    return "".join([*pieces, text[at:]]), places


def _all(text: str, part: str) -> list[int]:
    found, start = [], text.find(part)
    while start >= 0:
        found.append(start)
        start = text.find(part, start + len(part))
    return found


def _listed(judged: dict[str, Any]) -> list[Finding]:
    """What failed and was not cut out; details of what was cut out would say it again."""
    cut = {place["check"] for place in judged["withheld"]}
    return [
        Finding(check=finding["check"], gating=finding["gating"], detail=finding["detail"])
        for finding in judged["findings"]
        if not finding["passed"] and finding["check"] not in cut
    ]


def _names(contact: Contact, text: str) -> bool:
    """Whether a contact detail of a draft is this listed contact."""
    listed = Directory((contact,))
    match contact.kind:
        case "phone":
            return listed.knows_phone(text)
        case "email":
            return listed.knows_email(text)
        case _:
            return bool(listed.domains & _parents(text))


def _parents(url: str) -> set[str]:
    from plume.contacts import host

    labels = host(url).split(".")
    return {".".join(labels[i:]) for i in range(len(labels) - 1)}
