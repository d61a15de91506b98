"""Run `plume eval generate`: a system writes a draft for every review of a split, and none twice."""

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from eval import swapped_reviews as swapped
from eval.backends import TOO_LONG, Backend, Job, Work
from eval.backends.in_process import InProcess
from eval.drafts import DIGESTS, Writing, finished, reusable, writing
from eval.inputs import to_generate, to_probe, to_swap
from eval.probes import SPLIT, beside
from eval.rule import noted_before
from eval.systems import Resolved
from plume.command import progress, say, status
from plume.config import Config
from plume.corpus.dataset import read_manifest
from plume.errors import InputError, PlumeError
from plume.files import json_sha256
from plume.models import fast_dtype, load_tokenizer
from plume.passages import HEADING, NONE
from plume.prompt import Fitted, encode_within
from plume.retrieval import Retriever


class Decoding(Config):
    """How drafts are decoded: greedily, so that a system always writes the same draft for the same review."""

    strategy: Literal["greedy"] = "greedy"
    max_new_tokens: int = Field(320, ge=1)
    repetition_penalty: float = Field(
        1.0, ge=1, le=2, description="above 1, what prompt or draft hold already is less likely; small models loop less"
    )
    dtype: Literal["auto", "float32", "bfloat16"] | None = Field(
        None,
        description="by default bfloat16 on GPU, float32 on CPU; auto: bfloat16 on a processor with units for it, too",
    )

    def describe(self) -> dict[str, Any]:
        """Give its keys; a penalty only where there is one: drafts of before there was any stay the same."""
        told = self.model_dump()
        return {k: v for k, v in told.items() if k != "repetition_penalty" or v != 1.0}


def generate(
    system: Resolved,
    data: Path,
    out: Path,
    decoding: Decoding,
    *,
    split: str = "test",
    backend: Backend | None = None,
    context: int | None = None,
    reuse: Sequence[Path] = (),
    gate: Path | None = None,
    probes: int | None = None,
    fairness: bool = False,
    force: bool = False,
) -> int:
    """Write drafts.jsonl and its description drafts.meta.json; returns the number of drafts newly generated.

    Drafts that are already there, or in the files `reuse`, are taken if they answer the same tokens by the same system
    and decoding (their `key`), so an interrupted run goes on where it stopped. A draft that fails is a row with `error`
    and is tried again by the next run. `context` limits prompt and draft together (by default to what the base was
    made for): examples that do not fit are left out, the least similar first. The digest of the rule `gate` is noted
    beside the drafts, so that a comparison can show that it was fixed before them.

    With `probes` the probes of the rule (by default those of the repository) are drafted too, into the file that
    `eval.probes.beside` names: 0 all, else so many, spread over the file. Fewer than all prove nothing.

    With `fairness` the reviews of datasets/fairness are drafted too, into the file that `eval.fairness.beside` names.

    Raises InputError if `out` holds drafts of something else, unless `force`; PlumeError, at the end, if drafts failed.
    """
    pairs = to_generate(data, split, out, gate)
    manifest = read_manifest(data)
    backend = backend or InProcess()
    if system.base is None and backend.reads_ids:
        raise InputError(f"{system.name}: plume does not know its tokenizer; ask for it with --endpoint URL --api chat")
    retriever = Retriever.load(data) if system.k else None
    sources = {k: v for k, v in manifest.get("sources", {}).items() if k != "name"} or None
    if system.prompt.sources and not sources:
        say(
            f"{data}: was built without sources, so the prompt {system.prompt.version} says « {HEADING} {NONE} » with "
            "every review; to show some: plume data build EXPORT --out DIR sources=FOLDER"
        )
    dtype = _settled(decoding.dtype)
    work = Work(
        system,
        load_tokenizer(system.base) if system.base else None,
        dtype,
        decoding.max_new_tokens,
        system.context(context),
        decoding.repetition_penalty,
    )
    meta = {
        "system": {
            **system.describe(),
            "context": work.context,
            "examples": {"k": system.k, "train": manifest["splits"]["train"]["sha256"], **retriever.describe()}
            if retriever
            else None,
            "endpoint": backend.serves(),
            **({"sources": sources} if system.prompt.sources else {}),
        },
        "decoding": {**decoding.describe(), "stop": [work.chat.end], **backend.decoding(dtype)},
    }
    read = {"prompt": system.prompt.shown_sha256, "examples": meta["system"]["examples"]}
    if system.prompt.sources:
        read["sources"] = sources
    meta["fingerprint"] = json_sha256({"decoding": meta["decoding"], **{k: v for k, v in read.items() if v}})
    answered = {"split": split, **{k: v for k, v in manifest["splits"][split].items() if k in DIGESTS}}
    files = [(pairs, out, answered, reuse)]
    if probes is not None:
        rows, digest = to_probe(out, gate, probes)
        files.append(
            (rows, beside(out), {"split": SPLIT, "sha256": digest}, [*filter(Path.is_file, map(beside, reuse))])
        )
    if fairness:
        rows, digest = to_swap(out)
        path, others = swapped.beside(out), [*filter(Path.is_file, map(swapped.beside, reuse))]
        files.append((rows, path, {"split": swapped.SPLIT, "sha256": digest}, others))
    with ExitStack() as stack:
        sheets = []
        for rows, path, answered, others in files:
            noted = noted_before(gate, path.with_suffix(".meta.json"), kept=path.is_file() and not force)
            described = {**meta, "data": answered, "gate_sha256": noted}
            with status("prompts"):
                jobs = _jobs(rows, described, work, retriever, by_ids=backend.reads_ids)
            file = stack.enter_context(writing(path, described, {job.id: job.key for job in jobs}, force=force))
            for row in reusable(others, {job.key: job.id for job in jobs if job.id not in file.done}, described):
                file.add(row)
            todo = [job for job in jobs if job.id not in file.done]
            for job in todo:
                if _is_too_long(job, work):
                    file.add({"id": job.id, "error": TOO_LONG})
            sheets.append((file, [job for job in todo if job.id not in file.errors], len(file.done), len(rows)))
        _write(backend, work, sheets)
    for file, _, _, total in sheets:
        if file.errors:
            why = ", ".join(f"{error} ({n})" for error, n in Counter(file.errors.values()).most_common(4))
            raise PlumeError(
                f"{file.out}: {len(file.errors)} of {total} drafts failed: {why}; the others are kept, the same "
                "command tries these again"
            )
    return sum(len(file.done) - before for file, _, before, _ in sheets)


def _settled(dtype: str | None) -> str:
    """The precision that a config leaves to the machine. On a CPU float32 drafts do not depend on their batch."""
    import torch

    if dtype == "auto":
        return fast_dtype()
    return dtype or ("bfloat16" if torch.cuda.is_available() else "float32")


def _jobs(
    pairs: list[dict[str, Any]], meta: dict[str, Any], work: Work, retriever: Retriever | None, *, by_ids: bool
) -> list[Job]:
    system, room = work.system, (work.context or 10**9) - work.max_new_tokens
    jobs = []
    for pair in pairs:
        examples = retriever.similar(pair, system.k) if retriever else []
        fitted = Fitted(None, examples, pair)
        if work.tokenizer:
            fitted = encode_within(work.tokenizer, system.prompt, pair, examples, room)
        dropped = len(system.prompt.passages(pair)) - len(system.prompt.passages(fitted.pair))
        job = Job(pair["id"], "", system.prompt, fitted.pair, tuple(fitted.examples), fitted.ids, dropped)
        read = {"ids": job.ids} if by_ids else {"messages": job.messages}
        key = json_sha256({**read, "system": meta["system"], "decoding": meta["decoding"]})
        jobs.append(replace(job, key=key))
    return jobs


def _is_too_long(job: Job, work: Work) -> bool:
    return bool(work.context and job.ids and len(job.ids) + work.max_new_tokens > work.context)


def _write(backend: Backend, work: Work, sheets: Sequence[tuple[Writing, list[Job], int, int]]) -> None:
    """Write every row as soon as it is finished; `seconds` is a draft's share of the time since the rows before it.

    A sheet is a file, what it lacks, how many drafts it had, and how many it shall have. The model is loaded once.
    """
    if not any(jobs for _, jobs, _, _ in sheets):
        return
    try:
        with status(f"drafts: {work.system.name}: starting"):
            backend.start(work)
        for file, jobs, _, total in sheets:
            if jobs:
                _fill(file, backend, work, jobs, total=total)
    finally:
        backend.close()


def _fill(file: Writing, backend: Backend, work: Work, jobs: list[Job], *, total: int) -> None:
    last = time.perf_counter()
    split = file.meta["data"]["split"]
    what = f"{split if split in (SPLIT, swapped.SPLIT) else 'drafts'}: {work.system.name}"
    with progress("speed") as bar:
        task = bar.add_task(what, total=total, completed=len(file.done), unit="drafts", speed="")
        for answers in backend.drafts(jobs):
            now = time.perf_counter()
            seconds, last = (now - last) / len(answers), now
            for job, answer in answers:
                shown = [past["id"] for past in job.examples]
                told = {"key": job.key, "seconds": seconds, "examples": shown, "k": work.system.k}
                if job.prompt.sources:
                    told["sources"] = {"sources": job.passages, "sources_dropped": job.dropped}
                file.add(finished(answer, id=job.id, **told))
            tokens = sum(answer.get("draft_tokens") or 0 for _, answer in answers)
            bar.update(task, advance=len(answers), speed=f"{tokens / max(seconds * len(answers), 1e-9):,.0f} tok/s")
