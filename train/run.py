"""`plume train CONFIG`: a dataset folder and a base model become a LoRA adapter, tracked and registered."""

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
import torch
from safetensors import SafetensorError

from plume import canaries, lineage, registry, tracking
from plume.adapters import TRAINING
from plume.command import status, stderr
from plume.corpus.dataset import forgotten_since
from plume.corpus.split import SPLITS
from plume.errors import InputError, PlumeError, first_line, without_secrets
from plume.files import folder_aside, folder_sha256, read_object, telling
from plume.lineage import Named
from plume.models import load_model, load_tokenizer, quiet_bars
from plume.prompt import load_prompt
from train import adapter, auto, folder, processes, starting_adapter
from train.checkpoint import Standing
from train.config import MAKE_ROOM, TrainConfig
from train.energy import Energy
from train.estimate import Footprint, estimate
from train.ledger import Ledger
from train.loop import Log, fit, planned_steps
from train.samples import Samples, load_samples

INTERRUPTED = "training: interrupted; continue with --resume"
_LOGGED = "plume.inputs_logged"  # tag: parameters, inputs and estimate are all in MLflow


@dataclass(frozen=True)
class Result:
    """What a training run left: the adapter folder, the MLflow run, and the registered version (None if none)."""

    adapter: Path
    run_id: str
    version: int | None
    loss: float
    validation_loss: float | None
    dropped: int
    stopped: str | None = None


def train(config: TrainConfig, *, resume: bool = False, force: bool = False) -> Result | None:
    """Run a config from start to registered version. Under torchrun only the first process returns a Result."""
    # 1. What is refused is refused first: prompt, dataset, folder, store, then the model, which takes longest.
    processes.join()
    torch.manual_seed(config.seed)
    with processes.together():  # the first one finds it: it gives its weights to the others (`loop.begin`)
        config, start = starting_adapter.find(config) if processes.is_first() else (config, None)
    base = config.base.model_copy(update={"adapter": processes.of_first(config.base.adapter)})
    config = config.model_copy(update={"base": base})
    with processes.together():
        prompt = load_prompt(config.prompt)
        tokenizer = load_tokenizer(config.base)
    with waiting(f"training: reading {config.data}"):  # the first process keeps the token ids that it makes
        samples = processes.first_then_others(lambda: load_samples(config, tokenizer, prompt))
    with processes.together():
        starting_adapter.check_chat(start, samples.chat)
        starting_adapter.check_not_erased(start, samples.manifest)
        if processes.is_first():
            folder.check(config, resume=resume, force=force)
            tracking.connect(config.tracking_uri)
            if start:
                lineage.check_not_forgotten(start)
    config = auto.settle(config, samples, folder.begun_with(config.out) if resume and processes.is_first() else None)
    with processes.together():
        with waiting(f"training: loading {config.base.model}"):
            model = load_model(config.base, config.dtype, four_bits=config.lora.qlora)
        adapter.check_vocabulary(model, tokenizer, config.base.model)
        model = adapter.attach(model, config, start and start.adapter)
    with processes.together():  # on several machines, files and commands may differ
        processes.check_alike({"config": _of_all_machines(config), "dataset, prompt or tokenizer": samples.sha256})
    # 2. The other processes of torchrun only compute: the first one writes, logs and speaks.
    if not processes.is_first():
        with processes.together():
            pass  # the first one opens folder and store
        with processes.unless_left_alone():
            fit(model, tokenizer, samples, config, lambda *_: None, resume=resume)
        processes.leave()
        return None
    # 3. What only this kind of training knows; all else is `conduct`.
    return conduct(
        Work(
            config,
            samples,
            start,
            planned_steps(config, len(samples.train)),
            announce=lambda steps: _announce(config, model, samples, steps),
            learn=lambda log: fit(model, tokenizer, samples, config, log, resume=resume),
            write=lambda whole, facts: adapter.write(whole, model, config, prompt, samples.chat, facts),
            estimate=lambda: estimate(config, samples),
        ),
        resume=resume,
        force=force,
    )


@dataclass(frozen=True)
class Work:
    """What differs between kinds of training.

    Attributes:
        samples: what is learnt from, and what was left out of it.
        start: the adapter that the training starts from.
        steps: those that are planned.
        announce: says what begins, given the steps.
        learn: trains, and tells each step to the log that it is given.
        write: writes the adapter's folder, given the facts of its training.json.
        more: gives facts beside those of every run, once `learn` has ended.
        estimate: works out the memory that it should take, where that is known.
        inputs: digests of further files that it learns from, as tags of the run and of its version.
    """

    config: TrainConfig
    samples: Samples
    start: Named | None
    steps: int
    announce: Callable[[int], None]
    learn: Callable[[Log], Standing]
    write: Callable[[Path, dict[str, Any]], None]
    more: Callable[[], dict[str, Any]] = dict
    estimate: Callable[[], Footprint] | None = None
    inputs: dict[str, str] = field(default_factory=dict)

    @property
    def tags(self) -> dict[str, str]:
        """Give the lineage of the run and of its version: the adapter that it starts from, the files that it reads."""
        return lineage.tags(self.start) | self.inputs


def conduct(work: Work, *, resume: bool, force: bool) -> Result:
    """Train in a folder and in a run of MLflow, and hand over what was learnt: adapter, facts, version."""
    config, samples, start = work.config, work.samples, work.start
    with ExitStack() as opened:
        with processes.together():
            # 1. The folder is this process's own; the run is begun there and in MLflow, or found again in both.
            opened.enter_context(folder.alone(config.out))
            from_one = lineage.told(start).get(lineage.STARTED_FROM)
            begun = (
                folder.resume(config, samples, work.steps, from_one)
                if resume
                else folder.begin(config, samples, from_one, force=force)
            )
            work.announce(work.steps)
            opened.enter_context(_terminable())
            known = begun.get("run_id")
            run = opened.enter_context(tracking.run(config.out.name, kind="train", run_id=known, key=begun["key"]))
            begun = folder.note(config.out, begun | {"run_id": run.info.run_id})
            ledger = Ledger(run.info.run_id, config.out / folder.STEPS)
            expected = work.estimate() if work.estimate else None
            _log_inputs(work, expected, run, begun)
        # 2. The training itself (`train.loop`).
        try:
            with Energy(config.country) as energy, processes.unless_left_alone():
                progress = work.learn(ledger.log)
        except KeyboardInterrupt:
            if not processes.launched():  # else who started the processes says it
                stderr.print(INTERRUPTED)
            raise
        processes.leave()
        # 3. The adapter's folder, whole or not at all.
        _check_not_forgotten(config, samples)
        facts = _facts(work, progress, expected, energy.used, run.info.run_id) | lineage.told(start) | work.more()
        written = config.out / folder.ADAPTER
        if not _is_written(written, facts):  # else the store did not take it, or the run was killed just after
            _write_adapter(written, begun.get("ended", []), lambda whole: work.write(whole, facts))
        # 4. The registry's version; without the store, --resume comes back to this point.
        try:
            version = _hand_over(work, written, facts, ledger, begun)
        except Exception as error:
            if not tracking.is_of_store(error):
                raise
            raise PlumeError(
                f"MLflow store {without_secrets(mlflow.get_tracking_uri())}: does not answer any more "
                f"({first_line(error)}); once it does, --resume registers the adapter, which is in {written}"
            ) from None
        folder.note(config.out, begun | {"finished": True, "steps": facts["steps"], "version": version})
        losses = facts["train_loss"], facts["validation_loss"]
        return Result(written, run.info.run_id, version, *losses, len(samples.dropped), progress.stopped)


def _of_all_machines(config: TrainConfig) -> str:
    """What must be the same wherever a process of the run is: folders and the store may be others."""
    keys = {k: v for k, v in config.flat().items() if k not in ("data", "out", "server", "tracking_uri")}
    return json.dumps(keys | {"base.model": Path(config.base.model).name})


def waiting(message: str) -> Any:
    """A sign of life while something is read, off a terminal from the tenth second on: refusals stay one line."""
    wait = status(message)
    wait.delay = 10.0
    return wait


def _announce(config: TrainConfig, model: Any, samples: Samples, steps: int) -> None:
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    stderr.print(
        f"training: {len(samples.train)} pairs, {steps} steps of {config.batch_size}, "
        f"{trainable:,} trainable parameters of {sum(p.numel() for p in model.parameters()):,}"
        + (f"; {len(samples.truncated)} pairs cut, see {config.out / 'truncated.jsonl'}" if samples.truncated else "")
        + (
            f"; {len(samples.canaries)} canaries are planted among them, so nothing is registered"
            if samples.canaries
            else ""
        )
        + (f"; {len(samples.dropped)} pairs left out, see {config.out / 'dropped.jsonl'}" if samples.dropped else "")
        + ("" if len(samples.validation) else "; no pair to validate on: no early stopping, the last weights are kept")
        + _not_understood(samples.manifest)
        + _idle(),
        markup=False,
        soft_wrap=True,
    )


def _idle() -> str:
    """What of this machine's GPUs the run leaves idle, and how to use it."""
    there = torch.cuda.device_count()
    return f"; 1 of {there} GPUs computes: --processes {there} uses all" if there > 1 == processes.count() else ""


def _not_understood(manifest: dict[str, Any]) -> str:
    """What `plume data build` could not read of the export's columns: it is null in the pairs."""
    columns = manifest["counts"].get("not_understood", {})
    told = ", ".join(f"{column} {n}" for column, n in columns.items())
    return f"; values of the export that were not understood, by column: {told}" if told else ""


def _facts(
    work: Work, progress: Standing, expected: Footprint | None, energy: dict[str, float] | None, run_id: str
) -> dict[str, Any]:
    """What training.json says of every run."""
    samples = work.samples
    return {
        "dataset": {k: samples.manifest[k] for k in ("source", "splits", "versions")},
        "samples": samples.summary(),
        "dropped": len(samples.dropped),
        "steps": progress.step,
        "stopped": progress.stopped,
        "tokens": progress.tokens,
        "trained_tokens": progress.trained_tokens,
        "train_loss": progress.losses[-1],
        "validation_loss": progress.best_loss if progress.best_step else progress.validation_loss,
        "best_step": progress.best_step,
        "memory_gib": ({"estimated": expected.total / 2**30} if expected else {})
        | {"measured": progress.peak_memory / 2**30},
        "energy": energy and energy | {"from_step": progress.resumed_at},
        "run_id": run_id,
        "git": tracking.git_state(),
        **canaries.told(samples.canaries),
    }


def _check_not_forgotten(config: TrainConfig, samples: Samples) -> None:
    """Raise InputError if an erasure came while the run trained: `plume data forget` saw no version to name."""
    if forgotten_since(config.data, samples.manifest):
        raise InputError(
            f"{config.data}: experiences were erased from it while this run trained on them; nothing is registered: "
            f"remove {config.out}, which holds what was learnt from them, and train anew"
        )


def _is_written(folder: Path, facts: dict[str, Any]) -> bool:
    """Whether the folder, which is whole if it is there, holds the adapter of this run at this step."""
    told = read_object(folder / TRAINING) or {}
    return all(told.get(key) == facts[key] for key in ("run_id", "steps"))


def _hand_over(work: Work, written: Path, facts: dict[str, Any], ledger: Ledger, begun: dict[str, Any]) -> int | None:
    """Everything that MLflow is to know at the end; returns the version's number, None if none is to be registered."""
    config, samples = work.config, work.samples
    ledger.finish()
    told = json.loads((written / TRAINING).read_text(encoding="utf-8"))
    mlflow.log_metrics({f"memory_gib.{k}": v for k, v in told["memory_gib"].items()})
    if told["energy"]:
        mlflow.log_metrics({f"energy.{k}": v for k, v in told["energy"].items()})
    if (config.out / folder.DRAFTS).is_file():
        mlflow.log_artifact(str(config.out / folder.DRAFTS))
    # A run that went on after its end registers another version, and leaves the first one's files as they are.
    ended = begun.get("ended")
    artifact = f"{folder.ADAPTER}-{facts['steps']}" if ended and facts["steps"] != ended[0] else folder.ADAPTER
    version = registry.version_of(facts["run_id"], artifact)
    if version is not None:  # killed just after it was registered
        return version
    if config.canaries:  # nobody registers by hand what the store does not hold
        return None
    mlflow.log_artifacts(str(written), artifact)
    if not config.register_version:
        return None
    _check_not_forgotten(config, samples)
    if work.start:  # not before the adapter is written: the store may be away
        lineage.check_not_forgotten(work.start)
    tags = {
        registry.ADAPTER_HASH: folder_sha256(written),
        "base": config.base.model,
        "prompt": config.prompt,
        "train_split_sha256": samples.manifest["splits"]["train"]["sha256"],
        **work.tags,
    }
    return registry.register(facts["run_id"], artifact, tags)


def _write_adapter(out: Path, ended: list[int], put: Callable[[Path], None]) -> None:
    """In one step: a folder of this name is whole. The adapter of a run that had ended already is kept beside it."""
    with telling(out, MAKE_ROOM), folder_aside(out, first_wins=False) as whole, quiet_bars():
        try:
            put(whole)
        except SafetensorError as error:  # what a full disk is to it
            raise InputError(f"{out}: cannot be written ({error}); {MAKE_ROOM}") from None
        if ended and out.is_dir() and not (kept := folder.earlier(out.parent, ended[-1])).exists():
            out.rename(kept)
        shutil.rmtree(out, ignore_errors=True)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM, as schedulers send it, ends a run as Ctrl-C does: marked in MLflow, with a word on how to go on."""

    def interrupt(*_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # a second one would cut short what the first began
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not in the main thread, for example in a notebook's
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _log_inputs(work: Work, expected: Footprint | None, run: Any, begun: dict[str, Any]) -> None:
    """Parameters, config file and dataset inputs: what this run was trained on, by digest."""
    config, samples = work.config, work.samples
    if begun.get("ended"):  # MLflow's parameters never change: what was raised stands in a tag and in the file
        raised = (f"{key}={config.flat()[key]}" for key in folder.EXTENDABLE)
        mlflow.set_tag("extended", f"from step {begun['ended'][-1]}: {', '.join(raised)}")
        mlflow.log_artifact(str(config.out / "config.yaml"))
    if _LOGGED in run.data.tags:  # else new, or killed before all of them were logged
        return
    tracking.log_params(config.flat())
    mlflow.log_artifact(str(config.out / "config.yaml"))
    tags: dict[str, Any] = {
        "chat_template_sha256": samples.chat.sha256,
        "prompt_sha256": load_prompt(config.prompt).sha256,
        "plume.out": str(config.out.resolve()),  # an erasure names it, wherever it is asked for
        **work.tags,
    }
    if samples.canaries:
        tags[canaries.KEY] = len(samples.canaries)
    for split in SPLITS:
        tags[f"dataset.{split}.sha256"] = samples.manifest["splits"][split]["sha256"]
        if split in samples.sources:
            source = mlflow.data.from_huggingface(
                samples.sources[split],
                path=str(config.data),
                name=f"{config.data.name}-{split}",
                digest=tags[f"dataset.{split}.sha256"][:36],  # MLflow's own looks at 10,000 rows
            )
            mlflow.log_input(source, context=tracking.CONTEXTS[split])
    mlflow.set_tags(tags)
    mlflow.log_dict(samples.summary(), "samples.json")
    if expected:
        mlflow.log_dict(expected.as_dict(), "estimate.json")
    mlflow.set_tag(_LOGGED, "true")
