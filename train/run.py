"""`plume train CONFIG`: a dataset folder and a base model become a LoRA adapter, tracked and registered."""

import shutil
import signal
import tempfile
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
from plume.errors import PlumeError
from plume.models import load_model, load_tokenizer, quiet_bars
from plume.paths import check_output
from plume.prompt import Prompt, load_prompt, template_sha256
from train import adapter, folder
from train.config import TrainConfig
from train.energy import Energy
from train.estimate import estimate
from train.loop import fit, join_processes, planned_steps
from train.samples import Samples, load_samples

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
    join_processes()
    first = not dist.is_initialized() or dist.get_rank() == 0
    torch.manual_seed(config.seed)
    prompt = load_prompt(config.prompt)
    tokenizer = load_tokenizer(config.base)
    samples = load_samples(config, tokenizer, prompt)
    if first:
        if resume:
            folder.check_begun(config)
        else:
            check_output(config.out, force=force, option="out=")
        tracking.connect(config.tracking_uri)
    model = load_model(config.base, config.dtype, four_bits=config.lora.qlora)
    adapter.check_vocabulary(model, tokenizer, config.base.model)
    model = adapter.attach(model, config)
    if not first:
        fit(model, tokenizer, samples, config, lambda *_: None, resume=resume)
        return None
    with folder.alone(config.out):
        begun = folder.resume(config, samples) if resume else folder.begin(config, samples, force=force)
        return _train(config, model, tokenizer, samples, prompt, begun, resume=resume)


def _train(
    config: TrainConfig,
    model: Any,
    tokenizer: Any,
    samples: Samples,
    prompt: Prompt,
    begun: dict[str, Any],
    *,
    resume: bool,
) -> Result:
    import mlflow

    steps = planned_steps(config, len(samples.train))
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    stderr.print(
        f"training: {len(samples.train)} pairs, {steps} steps of {config.batch_size}, "
        f"{trainable:,} trainable parameters of {sum(p.numel() for p in model.parameters()):,}"
        + (f"; {len(samples.truncated)} reviews cut, see {config.out / 'truncated.jsonl'}" if samples.truncated else "")
        + (f"; {len(samples.dropped)} pairs left out, see {config.out / 'dropped.jsonl'}" if samples.dropped else "")
        + ("" if len(samples.validation) else "; no pair to validate on: no early stopping, the last weights are kept")
    )
    known = begun.get("run_id")
    with _terminable(), tracking.run(config.out.name, kind="train", run_id=known, key=begun["key"]) as run:
        begun = folder.note(config.out, begun | {"run_id": run.info.run_id})
        logged = tracking.last_step(run.info.run_id, "loss")

        def log(metrics: dict[str, float], step: int) -> None:
            if step > logged:  # a step that is done again after a kill stands once in the ledger
                mlflow.log_metrics(metrics, step=step)

        git, expected = tracking.git_state(), estimate(config, samples)
        if _LOGGED not in run.data.tags:  # new, or killed before all of them were logged
            _log_inputs(config, samples, expected.as_dict())
        try:
            with Energy(config.country) as energy:
                progress = fit(model, tokenizer, samples, config, log, resume=resume)
        except KeyboardInterrupt:
            stderr.print("training: interrupted; continue with --resume")
            raise
        except mlflow.MlflowException as error:
            raise PlumeError(
                f"MLflow store {mlflow.get_tracking_uri()}: does not answer any more ({tracking.first_line(error)}); "
                "once it does, --resume goes on from the last checkpoint"
            ) from None
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
            "energy": energy.used and energy.used | {"from_step": progress.resumed_at},
            "run_id": run.info.run_id,
            "git": git,
        }
        mlflow.log_metrics({f"memory_gib.{k}": v for k, v in facts["memory_gib"].items()})
        if energy.used:
            mlflow.log_metrics({f"energy.{k}": v for k, v in energy.used.items()})
        if (config.out / folder.DRAFTS).is_file():
            mlflow.log_artifact(str(config.out / folder.DRAFTS))
        written, version = config.out / folder.ADAPTER, tracking.version_of(run.info.run_id)
        if version is None:  # else killed just after it was registered: then it stays as it is
            _write_adapter(written, model, config, prompt, facts)
            mlflow.log_artifacts(str(written), "adapter")
        if version is None and config.register_version:
            tags = {
                tracking.ADAPTER_HASH: folder_sha256(written),
                "base": config.base.model,
                "prompt": prompt.version,
                "train_split_sha256": samples.manifest["splits"]["train"]["sha256"],
            }
            version = tracking.register(run.info.run_id, "adapter", tags)
        folder.note(config.out, begun | {"finished": True})
        return Result(written, run.info.run_id, version, *losses, len(samples.dropped), progress.stopped)


def _write_adapter(out: Path, model: Any, config: TrainConfig, prompt: Prompt, facts: dict[str, Any]) -> None:
    """In one step: a folder of this name is whole."""
    with tempfile.TemporaryDirectory(prefix=folder.PARTIAL, dir=out.parent) as partial, quiet_bars():
        whole = Path(partial) / "adapter"
        whole.mkdir()
        adapter.write(whole, model, config, prompt, facts)
        shutil.rmtree(out, ignore_errors=True)
        whole.rename(out)


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
                samples.sources[split],
                path=str(config.data),
                name=f"{config.data.name}-{split}",
                digest=tags[f"dataset.{split}.sha256"][:36],  # MLflow's own looks at 10,000 rows
            )
            mlflow.log_input(source, context=contexts[split])
    mlflow.set_tags(tags)
    mlflow.log_dict(samples.summary(), "samples.json")
    mlflow.log_dict(expected, "estimate.json")
    mlflow.set_tag(_LOGGED, "true")
