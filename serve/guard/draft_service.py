"""Writes one draft for one review: masked, rendered as in training, written, checked, the pseudonym filled in."""

import asyncio
import re
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from starlette.types import Receive

from plume import marks
from plume.contacts import Directory
from plume.errors import InputError
from plume.prompt import Prompt, encode_within, load_prompt
from plume.pseudonymise.catalogue import PLACEHOLDERS
from serve.alias import Aliases, Deployed
from serve.guard.draft_text import fill, list_failed, sources
from serve.guard.engine_client import EngineClient, EngineError, Written
from serve.guard.journal import Journal
from serve.guard.maskers import Maskers, NoMasker
from serve.guard.metrics import Metrics
from serve.guard.refusal import Reason, Refusal
from serve.guard.request_context import RequestContext
from serve.guard.schema import Decision, DraftResponse, GivenReview, Usage
from serve.server_log import tell
from serve.state import Started, Watched
from serve.vllm_command import DECODING

_MARK = re.compile(marks.pattern(PLACEHOLDERS))


@dataclass
class DraftService:
    """Writes drafts and notes decisions."""

    started: Started
    tokenizer: Any
    aliases: Watched[Aliases]
    engine: EngineClient
    maskers: Maskers
    journal: Journal
    metrics: Metrics
    retriever: Any = None  # of past replies, where the model is shown some
    _directory: Directory = field(default_factory=Directory.load)
    # SQLite may wait for the disk: not in the event loop.
    _disk: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "journal"))

    @property
    def max_new_tokens(self) -> int:
        return self.started.config.max_new_tokens

    async def draft(
        self, given: GivenReview, conversation: str | None, context: RequestContext, receive: Receive
    ) -> DraftResponse:
        """Write a draft. One version writes all drafts of a `conversation`. Raises Refusal."""
        begun, identity = time.time(), f"draft-{secrets.token_hex(12)}"
        deployed = self.aliases.current.choose(conversation or context.id)
        context.version = deployed.version
        prompt = prompt_of(deployed)
        shown, pseudonym, masked = await self._mask(given)
        ids, examples = self._encode(prompt, shown, await self._past_replies(shown))
        written = await self._write(deployed, ids, receive)
        draft = written.text.strip()
        try:
            judged = await self.maskers.ask("judge", draft=draft, review=shown["review"], prompt=prompt.text(shown))
        except NoMasker as error:
            raise Refusal(Reason.NOT_CHECKED, why=error) from None
        failed = [finding["check"] for finding in judged["findings"] if finding["gating"] and not finding["passed"]]
        withheld = [place["check"] for place in judged["withheld"]]
        self.metrics.count_draft(
            deployed.version, written, time.time() - begun, masked=masked, withheld=withheld, failed=failed
        )
        kept = {**shown, "draft": judged["draft"], "failed": failed, "prompt": prompt.version}
        keeping = asyncio.ensure_future(self._keep(identity, begun, context.client or "", deployed, kept))
        text, places = fill(judged["draft"], judged["withheld"], pseudonym)
        tokens = {"prompt_tokens": written.prompt_tokens, "draft_tokens": written.draft_tokens}
        context.audit = {"id": identity, **tokens, "masked": dict(masked), "failed": failed, "withheld": len(places)}
        response = DraftResponse(
            id=identity,
            draft=text,
            findings=[*places, *list_failed(judged["findings"], withheld)],
            sources=sources(text, self._directory),
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
        """Note what the agent made of a draft; `final` is masked first. Raises Refusal."""
        if (decision.outcome == "edited") != (decision.final is not None):
            raise Refusal(Reason.INVALID, why="final: wanted if the outcome is edited, and only then")
        try:
            asked_by = await self.on_disk(self.journal.client_of, identity)
        except sqlite3.Error as error:
            raise Refusal(Reason.JOURNAL_UNREADABLE, why=error) from None
        if asked_by != client:
            raise Refusal(Reason.NO_DRAFT)
        final = decision.final
        if final is not None:
            try:
                answer = await self.maskers.ask("mask", texts=[final], replies=True, pseudonym=decision.pseudonym)
                final = answer["texts"][0]
            except NoMasker as error:
                raise Refusal(Reason.REPLY_NOT_MASKED, why=error) from None
        row = {"outcome": decision.outcome, "final": final, "seconds": decision.seconds}
        try:
            await self.on_disk(self.journal.add_decision, identity, time.time(), row)
        except sqlite3.Error as error:
            raise Refusal(Reason.NOT_KEPT, why=error) from None

    async def open(self) -> None:
        """Open the journal before the first request; one that cannot be written stops no draft."""
        await self.on_disk(self._tell_journal)

    def _tell_journal(self) -> None:
        try:
            self.journal.waiting()
        except sqlite3.Error as error:
            self.metrics.journal_errors.inc()
            tell(f"the journal cannot be used ({error}); drafts are written all the same")

    async def waiting(self) -> int | None:
        """Count the drafts and decisions that MLflow has not got; None if the journal cannot be read."""
        try:
            return await self.on_disk(self.journal.waiting)
        except sqlite3.Error:
            return None

    async def close(self) -> None:
        await self.on_disk(self.journal.close)
        self._disk.shutdown()

    async def _mask(self, given: GivenReview) -> tuple[dict[str, Any], str | None, Counter]:
        """Mask a review; return it as the model sees it, what [USAGER] stands for, and the entities masked by type."""
        texts = [given.review, *([given.title] if given.title else [])]
        bodies = {"network": given.network, "structure": given.structure}
        try:
            answer = await self.maskers.ask("mask", texts=texts, names=list(bodies.values()))
        except NoMasker as error:
            raise Refusal(Reason.REVIEW_NOT_MASKED, why=error) from None
        masked = Counter(span["type"] for spans in answer["spans"] for span in spans)
        called = dict(zip(bodies, answer["names"], strict=True))
        for kind, name in bodies.items():
            if name and not called[kind]:
                raise Refusal(Reason.INVALID, why=f"{kind}: is no name of a public service; send its name, or none")
            masked += Counter(_MARK.findall(called[kind] or "")) - Counter(_MARK.findall(name or ""))
        names = [
            text[span["start"] : span["end"]]
            for text, spans in zip(texts, answer["spans"], strict=True)
            for span in spans
            if span["type"] == "USAGER"
        ]
        shown = {
            **called,
            "title": answer["texts"][1] if given.title else None,
            "review": answer["texts"][0],
        }
        return shown, given.pseudonym or (names[0] if names else None), masked

    async def _past_replies(self, shown: dict[str, Any]) -> list[dict[str, Any]]:
        """Find past replies to similar reviews, in a thread: it takes too long for the event loop."""
        if not self.retriever:
            return []
        return await asyncio.to_thread(self.retriever.similar, shown, self.started.config.examples)

    def _encode(
        self, prompt: Prompt, shown: dict[str, Any], past: list[dict[str, Any]]
    ) -> tuple[list[int], list[dict[str, Any]]]:
        room = self.started.max_model_len - self.max_new_tokens
        ids, past = encode_within(self.tokenizer, prompt, shown, past, room)
        if len(ids) > room:
            raise Refusal(Reason.TOO_LONG, tokens=len(ids), room=room)
        return ids, list(past)

    async def _write(self, deployed: Deployed, ids: list[int], receive: Receive) -> Written:
        asked = {
            **DECODING,
            "model": deployed.name,
            "prompt": ids,
            "max_tokens": self.max_new_tokens,
            "stop_token_ids": [self.started.stop_token_id],
        }
        try:
            return await self.engine.complete(asked, receive)
        except EngineError as error:
            raise Refusal(Reason.BUSY if error.status == 503 else Reason.ENGINE_FAILED) from None

    async def _keep(self, identity: str, made: float, client: str, deployed: Deployed, row: dict[str, Any]) -> None:
        """Note a draft. One that cannot be kept still goes out, but no decision on it can be noted."""
        try:
            await self.on_disk(self.journal.add_draft, identity, made, client, deployed.version, row)
        except sqlite3.Error as error:
            self.metrics.journal_errors.inc()
            tell(f"the journal cannot be written ({error})")

    async def on_disk(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *arguments)


@cache
def prompt_of(deployed: Deployed) -> Prompt:
    """Load the prompt that a version was trained with. Raises Refusal."""
    try:
        return load_prompt(deployed.adapter.prompt)
    except InputError as error:
        raise Refusal(Reason.NO_ADAPTER, version=deployed.version) from error
