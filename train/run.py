"""`plume train CONFIG`: a dataset folder and a base model become a LoRA adapter, tracked and registered."""

import json
import shutil
import signal
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from plume import tracking
from plume.adapters import folder_sha256
from plume.command import stderr
from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.models import load_model, load_tokenizer, quiet_bars
from plume.paths import check_output, claim_output
from plume.prompt import Prompt, load_prompt, template_sha256
from train import adapter, checkpoint
from train.config import TrainConfig
from train.energy import Energy
from train.estimate import estimate
from train.loop import fit, join_processes, planned_steps
from train.samples import Samples, load_samples

STEPS, RUN = "steps.jsonl", "run.json"
_LOGGED = "plume.inputs_logged"  # tag: parameters, inputs and estimate are all in MLflow
FILES = (
    "config.yaml",
    STEPS,
    RUN,
    "dropped.jsonl",
    "truncated.jsonl",
    "drafts.jsonl",
    checkpoint.LATEST,
    checkpoint.BEST,
)


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
    join_processes()
    first = not dist.is_initialized() or dist.get_rank() == 0
    torch.manual_seed(config.seed)
    prompt = load_prompt(config.prompt)
    tokenizer = load_tokenizer(config.base)
    samples = load_samples(config, tokenizer, prompt)
    if first:
        if not resume:
            check_output(config.out, force=force, option="out=")
        tracking.connect(config.tracking_uri)
    model = load_model(config.base, config.dtype, four_bits=config.lora.qlora)
    adapter.check_vocabulary(model, tokenizer, config.base.model)
    model = adapter.attach(model, config)
    key, run_id = _claim(config, samples, resume=resume, force=force) if first else ("", None)
    if not first:
        fit(model, tokenizer, samples, config, lambda *_: None, resume=resume)
        return None

    import mlflow

    steps = planned_steps(config, len(samples.train))
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    stderr.print(
        f"training: {len(samples.train)} pairs, {steps} steps of {config.batch_size}, "
        f"{trainable:,} trainable parameters of {sum(p.numel() for p in model.parameters()):,}"
        + (f"; {len(samples.truncated)} reviews cut, see {config.out / 'truncated.jsonl'}" if samples.truncated else "")
        + (f"; {len(samples.dropped)} pairs left out, see {config.out / 'dropped.jsonl'}" if samples.dropped else "")
    )
    with _terminable(), tracking.run(config.out.name, kind="train", run_id=run_id, key=key) as run:
        _note(config.out, key=key, run_id=run.info.run_id)
        expected = estimate(config, samples)
        if _LOGGED not in run.data.tags:  # new, or killed before all of them were logged
            _log_inputs(config, samples, expected.as_dict())
        try:
            with Energy(config.country) as energy:
                progress = fit(
                    model,
                    tokenizer,
                    samples,
                    config,
                    lambda metrics, step: mlflow.log_metrics(metrics, step=step),
                    resume=resume,
                )
        except KeyboardInterrupt:
            stderr.print("training: interrupted; continue with --resume")
            raise
        losses = progress.losses[-1], progress.best_loss if progress.best_step else progress.validation_loss
        facts = {
            "dataset": {k: samples.manifest[k] for k in ("source", "splits", "versions")},
            "samples": samples.summary(),
            "dropped": len(samples.dropped),
            "steps": progress.step,
            "stopped": progress.stopped,
            "tokens": progress.tokens,
            "trained_tokens": progress.trained_tokens,
            "train_loss": losses[0],
            "validation_loss": losses[1],
            "best_step": progress.best_step,
            "memory_gib": {"estimated": expected.total / 2**30, "measured": progress.peak_memory / 2**30},
            "energy": energy.used,
            "run_id": run.info.run_id,
            "git": tracking.git_state(),
        }
        mlflow.log_metrics({f"memory_gib.{k}": v for k, v in facts["memory_gib"].items()})
        if energy.used:
            mlflow.log_metrics({f"energy.{k}": v for k, v in energy.used.items()})
        if (config.out / "drafts.jsonl").is_file():
            mlflow.log_artifact(str(config.out / "drafts.jsonl"))
        folder, version = config.out / "adapter", tracking.version_of(run.info.run_id)
        if version is None:  # else killed just after it was registered: then it stays as it is
            _write_adapter(folder, model, config, prompt, facts)
            mlflow.log_artifacts(str(folder), "adapter")
        if version is None and config.register_version:
            tags = {
                tracking.ADAPTER_HASH: folder_sha256(folder),
                "base": config.base.model,
                "prompt": prompt.version,
                "train_split_sha256": samples.manifest["splits"]["train"]["sha256"],
            }
            version = tracking.register(run.info.run_id, "adapter", tags)
        _note(config.out, key=key, run_id=run.info.run_id, finished=True)
        return Result(folder, run.info.run_id, version, *losses, len(samples.dropped), progress.stopped)


def _write_adapter(folder: Path, model: Any, config: TrainConfig, prompt: Prompt, facts: dict[str, Any]) -> None:
    """In one step: a folder of this name is whole."""
    with tempfile.TemporaryDirectory(prefix=".adapter-", dir=folder.parent) as partial, quiet_bars():
        whole = Path(partial) / "adapter"
        whole.mkdir()
        adapter.write(whole, model, config, prompt, facts)
        shutil.rmtree(folder, ignore_errors=True)
        whole.rename(folder)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM, as schedulers send it, ends a run as Ctrl-C does: marked in MLflow, with a word on how to go on."""

    def interrupt(*_: Any) -> None:
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


def _claim(config: TrainConfig, samples: Samples, *, resume: bool, force: bool) -> tuple[str, str | None]:
    """Make the run's folder ready; returns the run's key, and the MLflow run to continue, if any.

    A run that was killed before its first checkpoint is continued from its first step, as the same MLflow run.
    """
    if not resume:
        _mark_abandoned(config.out)
        claim_output(config.out, force=force, holds=FILES, option="out=")
        shutil.rmtree(config.out / "adapter", ignore_errors=True)
        for name, pairs in (("dropped", samples.dropped), ("truncated", samples.truncated)):
            rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in pairs)
            (config.out / f"{name}.jsonl").write_text(rows, encoding="utf-8")
        key = uuid.uuid4().hex
        _note(config.out, key=key)
        # Last, and in one step: with it there, the folder holds a run that can be resumed.
        _replace(config.out / "config.yaml", config.to_yaml())
        return key, None
    if not (config.out / "config.yaml").is_file():
        raise InputError(f"{config.out}: no run to resume; start one without --resume")
    if (config.out / "config.yaml").read_text(encoding="utf-8") != config.to_yaml():
        raise InputError(
            f"{config.out}: was started with another config ({config.out / 'config.yaml'}); resume with that one"
        )
    noted = _noted(config.out)
    if noted.get("finished"):
        raise InputError(f"{config.out}: is finished, its adapter is never rewritten; train anew with another out=")
    found = (config.out / checkpoint.LATEST).is_file()
    step = checkpoint.load(config.out)["progress"].step if found else 0
    for name in (STEPS, "drafts.jsonl"):  # what came after the checkpoint is done again
        log = config.out / name
        if log.is_file():
            *lines, _ = log.read_bytes().split(b"\n")  # the last one is empty, or was cut off by the kill
            _replace(log, b"".join(line + b"\n" for line in lines if json.loads(line)["step"] <= step).decode())
    key = noted.get("key", "")
    run_id = noted.get("run_id") or (tracking.find_run(key) if key else None)
    if run_id:
        tracking.check_run(run_id)
    return key, run_id


def _note(out: Path, **facts: Any) -> None:
    """What run.json holds: the run's key, its id in MLflow once it has one, and whether it came to its end."""
    _replace(out / RUN, json.dumps(facts) + "\n")


def _noted(out: Path) -> dict[str, Any]:
    try:
        return json.loads((out / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _mark_abandoned(out: Path) -> None:
    """A run that was killed still stands as running in MLflow; once its folder is overwritten it has failed."""
    import mlflow

    client, run_id = mlflow.MlflowClient(), _noted(out).get("run_id")
    if not run_id:
        return
    try:
        run = client.get_run(run_id)
    except mlflow.MlflowException:
        return  # of another store
    if run.info.status == "RUNNING":
        client.set_terminated(run.info.run_id, "FAILED")


def _log_inputs(config: TrainConfig, samples: Samples, expected: dict[str, Any]) -> None:
    """Parameters, config file and dataset inputs: what this run was trained on, by digest."""
    import mlflow

    tracking.log_params(config.flat())
    mlflow.log_artifact(str(config.out / "config.yaml"))
    tags: dict[str, Any] = {
        "chat_template_sha256": template_sha256(),
        "prompt_sha256": load_prompt(config.prompt).sha256,
    }
    contexts = {"train": "training", "validation": "validation", "test": "testing"}
    for split in SPLITS:
        tags[f"dataset.{split}.sha256"] = samples.manifest["splits"][split]["sha256"]
        if split in samples.sources:
            source = mlflow.data.from_huggingface(
                samples.sources[split], path=str(config.data), name=f"{config.data.name}-{split}"
            )
            mlflow.log_input(source, context=contexts[split])
    mlflow.set_tags(tags)
    mlflow.log_dict(samples.summary(), "samples.json")
    mlflow.log_dict(expected, "estimate.json")
    mlflow.set_tag(_LOGGED, "true")
