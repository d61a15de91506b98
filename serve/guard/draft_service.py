"""Writes drafts for one review: masked, sources found, rendered as in training, written, checked, put in words."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from starlette.types import Receive

from plume.contacts import Directory
from plume.errors import InputError
from plume.passages import Passage
from plume.prompt import Fitted, Prompt, encode_within, load_prompt
from serve.alias import Aliases, Deployed
from serve.database import StorageError
from serve.guard.draft_text import cite_again, fill, list_failed, list_passage, restore_citations, sources
from serve.guard.engine_client import EngineClient, EngineError, Written
from serve.guard.journal import Journal
from serve.guard.masked_request import MaskedRequest, count_marks, mask_instruction, mask_review
from serve.guard.maskers import Maskers, NoMasker
from serve.guard.metrics import Metrics
from serve.guard.passages import Passages
from serve.guard.refusal import Reason, Refusal
from serve.guard.request_context import RequestContext
from serve.guard.schema import (
    AgainRequest,
    Decision,
    DraftRequest,
    DraftResponse,
    Usage,
    Wishes,
    WrittenDraft,
)
from serve.guard.trace_context import REQUEST_ID, TRACEPARENT
from serve.server_log import tell
from serve.state import Started, Watched
from serve.vllm_command import ALTERNATIVES, DECODING

_KEEP_DROP = ("keep_sources", "drop_sources")


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
    passages: Passages | None = None  # of official sources, where there is a folder of them
    together: float = 0.0  # seconds for which a masked review may wait for what maskers still do
    _directory: Directory = field(default_factory=Directory.load)
    # It may wait for the disk, or a server: not in the event loop.
    _disk: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "journal"))

    @property
    def max_new_tokens(self) -> int:
        return self.started.config.max_new_tokens

    async def draft(
        self, given: DraftRequest, conversation: str | None, context: RequestContext, receive: Receive
    ) -> DraftResponse:
        """Write a draft, or several. One version writes all drafts of a `conversation`. Raises Refusal."""
        begun = time.time()
        deployed = self.aliases.current.choose(conversation or context.id)
        context.version = deployed.version
        self._check_wishes(given, deployed)
        with context.step("mask") as told:
            case, pseudonym, masked = await mask_review(self.maskers, given)
            instruction, more = await mask_instruction(self.maskers, given.instruction, pseudonym)
            told["masked"] = (masked + more).total()
        case |= {"instruction": instruction, "tone": given.tone}
        keep, drop = tuple(given.keep_sources), tuple(given.drop_sources)
        asked = MaskedRequest(case, pseudonym, masked + more, keep, drop)
        return await self._answer(asked, given.alternatives, deployed, begun, context, receive)

    async def again(
        self, identity: str, wishes: AgainRequest, context: RequestContext, receive: Receive
    ) -> DraftResponse:
        """Write a draft anew from what the journal holds of its request, with what changed. Raises Refusal."""
        begun = time.time()
        _, version, row = await self._own_draft(identity, context.client)
        answering = {deployed.version: deployed for deployed in self.aliases.current.deployed}
        deployed = answering.get(version) or self.aliases.current.champion
        context.version = deployed.version
        self._check_wishes(wishes, deployed)
        sent = wishes.model_fields_set
        case = {key: row.get(key) for key in ("network", "structure", "title", "review", "instruction", "tone")}
        masked = Counter(row.get("masked") or {})
        shown = prompt_of(deployed).sources  # another version may answer now: what it is not shown is not noted
        if "instruction" in sent or not shown:
            masked -= count_marks(case["instruction"])
            with context.step("mask") as told:
                case["instruction"], more = await mask_instruction(self.maskers, wishes.instruction, wishes.pseudonym)
                told["masked"] = more.total()
            masked += more
        if "tone" in sent or not shown:
            case["tone"] = wishes.tone
        keep, drop = (self._wished_of_passages(wishes, row, *names) for names in (_KEEP_DROP, _KEEP_DROP[::-1]))
        asked = MaskedRequest(case, wishes.pseudonym, masked, keep, drop, identity)
        return await self._answer(asked, wishes.alternatives, deployed, begun, context, receive)

    async def _answer(
        self,
        asked: MaskedRequest,
        alternatives: int,
        deployed: Deployed,
        begun: float,
        context: RequestContext,
        receive: Receive,
    ) -> DraftResponse:
        """Write, check and note the drafts of one request."""
        prompt = prompt_of(deployed)
        case = asked.case | {"sources": await self._find_passages(asked, prompt)}
        fitted = self._encode(prompt, case, await self._past_replies(asked.case))
        ways = (DECODING, *ALTERNATIVES)[:alternatives]
        writing = (self._write(deployed, fitted.ids, n, way, context, receive) for n, way in enumerate(ways))
        written = await asyncio.gather(*writing)
        given = {"review": asked.case["review"], "prompt": prompt.text(fitted.pair)}
        with context.step("check") as told:
            try:
                judging = [self.maskers.ask("judge", draft=one.text.strip(), **given) for one in written]
                judged = await asyncio.gather(*judging)
            except NoMasker as error:
                raise Refusal(Reason.NOT_CHECKED, why=error) from None
            told["withheld"] = sum(len(one["withheld"]) for one in judged)
            told["failed"] = sum(len(_failed(one)) for one in judged)
        drafts = [self._describe(asked, fitted, deployed, *both) for both in zip(written, judged, strict=True)]
        self.metrics.count_answer(deployed.version, context.age, asked.masked)
        for draft, one in zip(drafts, judged, strict=True):  # noted before an answer leaves
            await self._keep(draft, begun, context, one, asked, fitted.pair)
        context.audit, *others = map(_audited, drafts, judged)
        context.audit |= {"alternatives": others} if others else {}
        return DraftResponse(**dict(drafts[0]), alternatives=drafts[1:])

    def _describe(
        self,
        asked: MaskedRequest,
        fitted: Fitted,
        deployed: Deployed,
        written: Written,
        judged: dict[str, Any],
    ) -> WrittenDraft:
        """Make of a draft what the agent gets, and count it."""
        prompt = prompt_of(deployed)
        passages = prompt.passages(fitted.pair)
        as_written = fill(judged["draft"], judged["withheld"], asked.pseudonym)
        filled = fill(judged["draft"], judged["withheld"], asked.pseudonym, passages) if prompt.sources else as_written
        withheld = [place["check"] for place in judged["withheld"]]
        self.metrics.count_draft(
            deployed.version,
            written,
            withheld=withheld,
            failed=_failed(judged),
            passages={"shown": len(passages), "cited": len(filled.cited)},
        )
        return WrittenDraft(
            id=f"draft-{secrets.token_hex(12)}",
            draft=filled.text,
            cited_draft=as_written.text,
            findings=[*filled.withheld, *list_failed(judged["findings"], withheld)],
            sources=sources(judged["draft"], self._directory),
            passages=[
                list_passage(number, passage, filled, kept=passage["id"] in asked.keep)
                for number, passage in enumerate(passages, 1)
            ],
            again_of=asked.again_of,
            pseudonym=asked.pseudonym,
            examples=[past["id"] for past in fitted.examples],
            model=deployed.name,
            version=deployed.version,
            prompt=prompt.version,
            masked=dict(asked.masked),
            finish_reason=written.finish_reason,
            usage=Usage(
                prompt_tokens=written.prompt_tokens,
                completion_tokens=written.draft_tokens,
                total_tokens=written.prompt_tokens + written.draft_tokens,
            ),
        )

    async def decide(self, identity: str, decision: Decision, context: RequestContext) -> None:
        """Note what the agent made of a draft; `final` is masked first. Raises Refusal."""
        if (decision.outcome == "edited") != (decision.final is not None):
            raise Refusal(Reason.INVALID, why="final: wanted if the outcome is edited, and only then")
        _, _, draft = await self._own_draft(identity, context.client)
        final = decision.final
        if final is not None:
            final = cite_again(final, draft["draft"], draft.get("sources") or ())
            with context.step("mask"):
                try:
                    answer = await self.maskers.ask("mask", texts=[final], replies=True, pseudonym=decision.pseudonym)
                    final = restore_citations(answer["texts"][0], draft["draft"])
                except NoMasker as error:
                    raise Refusal(Reason.REPLY_NOT_MASKED, why=error) from None
        row = {"outcome": decision.outcome, "final": final, "seconds": decision.seconds} | _agent(context)
        try:
            await self.on_disk(self.journal.add_decision, identity, time.time(), row)
        except StorageError as error:
            raise Refusal(Reason.NOT_KEPT, error.status, why=error) from None

    async def open(self) -> None:
        """Open the journal before the first request; one that cannot be written stops no draft."""
        await self.on_disk(self._tell_journal)

    def _tell_journal(self) -> None:
        try:
            self.journal.waiting()
        except StorageError as error:
            self.metrics.journal_errors.inc()
            tell(f"the journal cannot be used ({error}); drafts are written all the same")

    async def waiting(self) -> int | None:
        """Count the drafts and decisions that MLflow has not got; None if the journal cannot be read."""
        try:
            return await self.on_disk(self.journal.waiting)
        except StorageError:
            return None

    async def close(self) -> None:
        await self.on_disk(self.journal.close)
        self._disk.shutdown()

    async def _own_draft(self, identity: str, client: str | None) -> tuple[str, int, dict[str, Any]]:
        """Find a draft of this client's in the journal: client, version, row. Raises Refusal."""
        try:
            found = await self.on_disk(self.journal.find_draft, identity)
        except StorageError as error:
            raise Refusal(Reason.JOURNAL_UNREADABLE, error.status, why=error) from None
        if found is None or found[0] != client:
            raise Refusal(Reason.NO_DRAFT)
        return found

    def _wished_of_passages(self, wishes: Wishes, row: dict[str, Any], name: str, other: str) -> tuple[str, ...]:
        """Give the passages to keep, or to drop: what is sent, else what was, as far as nothing sent says otherwise."""
        if name in wishes.model_fields_set:
            return tuple(getattr(wishes, name))
        there = self.passages.known(row.get(name) or ()) if self.passages else []  # it may be another folder today
        return tuple(each for each in there if each not in getattr(wishes, other))

    def _check_wishes(self, wishes: Wishes, deployed: Deployed) -> None:
        """Refuse what the prompt of a version cannot show, and ids of passages that there are not."""
        prompt = prompt_of(deployed)
        fields = {"instruction": None, "tone": "neutre", "keep_sources": [], "drop_sources": []}
        wished = [field for field, nothing in fields.items() if getattr(wishes, field) != nothing]
        if wished and not prompt.sources:
            raise Refusal(Reason.NO_WISHES, fields=", ".join(wished), version=deployed.version, prompt=prompt.version)
        for name in filter(wished.__contains__, _KEEP_DROP):
            if not self.passages:
                raise Refusal(Reason.NO_PASSAGE, field=name, why="this server has no folder of sources")
            self.passages.check(name, getattr(wishes, name))

    async def _find_passages(self, asked: MaskedRequest, prompt: Prompt) -> list[Passage]:
        if not (self.passages and prompt.sources):
            return []
        return await self.passages.find(asked.case, prompt.sources, keep=asked.keep, drop=asked.drop)

    async def _past_replies(self, shown: dict[str, Any]) -> list[dict[str, Any]]:
        """Find past replies to similar reviews, in a thread: it takes too long for the event loop."""
        if not self.retriever:
            return []
        return await asyncio.to_thread(self.retriever.similar, shown, self.started.config.examples)

    def _encode(self, prompt: Prompt, case: dict[str, Any], past: list[dict[str, Any]]) -> Fitted:
        room = self.started.max_model_len - self.max_new_tokens
        fitted = encode_within(self.tokenizer, prompt, case, past, room)
        if len(fitted.ids) > room:
            raise Refusal(Reason.TOO_LONG, tokens=len(fitted.ids), room=room)
        return fitted

    async def _write(
        self,
        deployed: Deployed,
        ids: list[int],
        number: int,
        decoding: dict[str, Any],
        context: RequestContext,
        receive: Receive,
    ) -> Written:
        """Have the engine write the `number`th draft of a request, from 0 on, under an id of its own."""
        asked = {
            **decoding,
            "model": deployed.name,
            "prompt": ids,
            "max_tokens": self.max_new_tokens,
            "stop_token_ids": [self.started.stop_token_id],
        }
        headers = {REQUEST_ID: f"{context.id}-{number}" if number else context.id, TRACEPARENT: context.trace.header}
        begun = context.age
        held = await self.maskers.calm(self.together)
        try:
            written = await self.engine.complete(asked, receive, headers)
        except EngineError as error:
            context.add_step("write", begun + held, failed=error.status)
            raise Refusal(Reason.BUSY if error.status == 503 else Reason.ENGINE_FAILED) from None
        queued = held + min(written.queued or 0.0, written.first)
        if held or written.queued is not None:
            context.add_step("wait", begun, begun + queued)
        context.add_step(
            "write",
            begun + queued,
            draft=number,
            prompt_tokens=written.prompt_tokens,
            draft_tokens=written.draft_tokens,
            seconds_to_first_token=round(written.first, 4),
        )
        return written

    async def _keep(
        self,
        draft: WrittenDraft,
        made: float,
        context: RequestContext,
        judged: dict[str, Any],
        asked: MaskedRequest,
        pair: dict[str, Any],
    ) -> None:
        """Note a draft. One that cannot be kept still goes out, but no decision on it can be noted."""
        row = {
            **pair,
            "draft": judged["draft"],
            "failed": _failed(judged),
            "prompt": draft.prompt,
            "masked": draft.masked,
            "keep_sources": asked.keep,
            "drop_sources": asked.drop,
            "cited": [passage.id for passage in draft.passages if passage.cited],
            "again_of": asked.again_of,
            **_agent(context),
        }
        try:
            await self.on_disk(self.journal.add_draft, draft.id, made, context.client or "", draft.version, row)
        except StorageError as error:
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


def _failed(judged: dict[str, Any]) -> list[str]:
    return [finding["check"] for finding in judged["findings"] if finding["gating"] and not finding["passed"]]


def _agent(context: RequestContext) -> dict[str, str]:
    """Give what the journal notes of the agent: nothing, where the client does not tell its agents apart."""
    return {"agent": context.agent} if context.agent else {}


def _audited(draft: WrittenDraft, judged: dict[str, Any]) -> dict[str, Any]:
    """Give what the audit notes of a draft: its id, counts and names of checks."""
    return {
        "id": draft.id,
        "prompt_tokens": draft.usage.prompt_tokens,
        "draft_tokens": draft.usage.completion_tokens,
        "masked": draft.masked,
        "failed": _failed(judged),
        "withheld": len(judged["withheld"]),
        "passages": len(draft.passages),
        "cited": sum(passage.cited for passage in draft.passages),
    }
