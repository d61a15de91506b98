"""`plume train CONFIG`: a dataset folder and a base model become a LoRA adapter, tracked and registered."""

import json
import shutil
import tempfile
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
from plume.prompt import load_prompt, template_sha256
from train import adapter, checkpoint
from train.config import TrainConfig
from train.loop import fit, join_processes, planned_steps
from train.samples import Samples, load_samples

FILES = ("config.yaml", "steps.jsonl", "dropped.jsonl", "checkpoint.pt")


@dataclass(frozen=True)
class Result:
    """What a training run left: the adapter folder, the MLflow run, and the registered version (None if none)."""

    adapter: Path
    run_id: str
    version: int | None
    loss: float
    validation_loss: float | None
    dropped: int


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
    model = adapter.attach(load_model(config.base, config.dtype), config)
    run_id = _claim(config, samples, resume=resume, force=force) if first else None
    if not first:
        fit(model, samples, config, tokenizer.pad_token_id, "", lambda *_: None, resume=resume)
        return None

    import mlflow

    steps = planned_steps(config, len(samples.train))
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    stderr.print(
        f"training: {len(samples.train)} pairs, {steps} steps of {config.batch_size}, "
        f"{trainable:,} trainable parameters of {sum(p.numel() for p in model.parameters()):,}"
        + (
            f"; {len(samples.dropped)} pairs left out, listed in {config.out / 'dropped.jsonl'}"
            if samples.dropped
            else ""
        )
    )
    with tracking.run(config.out.name, kind="train", run_id=run_id) as run:
        _log_inputs(config, samples, resumed=resume)
        try:
            progress = fit(
                model,
                samples,
                config,
                tokenizer.pad_token_id,
                run.info.run_id,
                lambda metrics, step: mlflow.log_metrics(metrics, step=step),
                resume=resume,
            )
        except KeyboardInterrupt:
            hint = "continue with --resume" if (config.out / "checkpoint.pt").is_file() else "start again with --force"
            stderr.print(f"training: interrupted; {hint}")
            raise
        facts = {
            "dataset": {k: samples.manifest[k] for k in ("source", "splits", "versions")},
            "dropped": len(samples.dropped),
            "steps": progress.step,
            "tokens": progress.tokens,
            "trained_tokens": progress.trained_tokens,
            "train_loss": progress.losses[-1],
            "validation_loss": progress.validation_loss,
            "run_id": run.info.run_id,
            "git": tracking.git_state(),
        }
        folder = config.out / "adapter"
        with tempfile.TemporaryDirectory(prefix=".adapter-", dir=config.out) as partial, quiet_bars():
            adapter.write(Path(partial), model, config, prompt, facts)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(partial, folder)
        mlflow.log_artifacts(str(folder), "adapter")
        version = None
        if config.register_version:
            version = tracking.register(
                run.info.run_id,
                "adapter",
                {
                    tracking.ADAPTER_HASH: folder_sha256(folder),
                    "base": config.base.model,
                    "prompt": prompt.version,
                    "train_split_sha256": samples.manifest["splits"]["train"]["sha256"],
                },
            )
        losses = progress.losses[-1], progress.validation_loss
        return Result(folder, run.info.run_id, version, *losses, len(samples.dropped))


def _claim(config: TrainConfig, samples: Samples, *, resume: bool, force: bool) -> str | None:
    """Make the run's folder ready; returns the MLflow run to continue, if any."""
    saved = config.out / "checkpoint.pt"
    if not resume:
        claim_output(config.out, force=force, holds=FILES, option="out=")
        shutil.rmtree(config.out / "adapter", ignore_errors=True)
        (config.out / "config.yaml").write_text(config.to_yaml(), encoding="utf-8")
        rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in samples.dropped)
        (config.out / "dropped.jsonl").write_text(rows, encoding="utf-8")
        return None
    if not saved.is_file():
        raise InputError(f"{config.out}: no checkpoint to resume from; start again with --force")
    if (config.out / "config.yaml").read_text(encoding="utf-8") != config.to_yaml():
        raise InputError(
            f"{config.out}: was started with another config ({config.out / 'config.yaml'}); resume with that one"
        )
    if (config.out / "adapter").is_dir():
        raise InputError(f"{config.out}: is finished, its adapter is never rewritten; train anew with another out=")
    progress: checkpoint.Progress = checkpoint.load(saved)["progress"]
    log = config.out / "steps.jsonl"  # steps after the checkpoint are done again
    log.write_text(
        "".join(log.read_text(encoding="utf-8").splitlines(keepends=True)[: progress.step]), encoding="utf-8"
    )
    return progress.run_id


def _log_inputs(config: TrainConfig, samples: Samples, *, resumed: bool) -> None:
    """Parameters, config file and dataset inputs: what this run was trained on, by digest."""
    import mlflow

    if resumed:
        return
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
    mlflow.log_dict(_summary(samples), "samples.json")


def _summary(samples: Samples) -> dict[str, Any]:
    """Counts of what is trained on: pairs, tokens, share of trained tokens, left out."""
    lengths = [len(ids) for ids in samples.train["input_ids"]]
    trained = sum(lengths) - sum(samples.train["prompt_length"])
    return {
        "train_pairs": len(samples.train),
        "validation_pairs": len(samples.validation),
        "dropped": len(samples.dropped),
        "tokens_per_epoch": sum(lengths),
        "longest_sample_tokens": max(lengths),
        "trained_share": trained / sum(lengths),
    }
