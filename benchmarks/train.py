"""Training speed beside TRL's: same pairs, tokens, model, adapter, precision and effective batch, in one run.

    python benchmarks/train.py [--pairs 16] [--repeats 3] [--dtype float32|bfloat16] [--device cuda] [--prompt v1]

Each figure is one optimiser step of `--pairs` samples in a process of its own, loading left out (on a GPU the second
step); the systems take turns. TRL's SFTTrainer is given its best: tokens ready, the model loaded as plume loads it
(keeping freed memory), no recomputation, and the fastest of its ways that keep samples apart, found by one step each:
one sample a micro-batch; padded batches of like length; packed rows without padding; torch's attention or the eager
one. On a CPU shared with others, --threads 1 keeps waiting out of the CPU-seconds. Needs `pip install -e '.[bench]'`.

The pairs are of the sample export. Without --prompt, the system prompt is v1 cut to the lengths that the corpus has:
prefix 263, review 233 and reply 217 tokens on average.
"""

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from plume.command import say
from plume.paths import ROOT

sys.path.remove(str(Path(__file__).resolve().parent))  # else `train` would be this file
SAMPLE = ROOT / "datasets" / "sample" / "export.json"
LENGTHS = {"prefix": 263, "review": 233, "reply": 217}
TRL = {
    "trl, one by one": {"per_device_train_batch_size": 1},
    "trl, one by one, eager attention": {"per_device_train_batch_size": 1, "attention": "eager"},
    "trl, padded, like lengths": {"per_device_train_batch_size": 4, "train_sampling_strategy": "group_by_length"},
    "trl, packed without padding": {"per_device_train_batch_size": 4, "padding_free": True},
}
REPEATED = "plume, prefix repeated"
FLEX = "plume, FlexAttention"  # GPUs only
PLUME = {"plume": {}, REPEATED: {"share_prefix": False}, FLEX: {"attention": "flex"}}
LORA = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}
BUDGET = 4096  # tokens that plume computes at once


def sample_rows(pairs: int, prompt: str | None, folder: Path) -> list[dict[str, Any]]:
    """Tokenised pairs of the sample export; without a prompt version, cut and chosen to the corpus's mean lengths."""
    from plume.corpus.dataset import read_split
    from plume.models import Base, load_tokenizer
    from plume.prompt import encode_sample, load_prompt
    from train.batches import common_prefix

    build = ["data", "build", SAMPLE, "ner=false", "--out", folder]
    subprocess.run([sys.executable, "-m", "plume.cli", *map(str, build)], check=True, stdout=subprocess.DEVNULL)
    tokenizer, rows = load_tokenizer(Base()), []
    for pair in read_split(folder, "train"):
        start, reply = encode_sample(tokenizer, load_prompt(prompt or "v1"), pair)
        rows.append({"input_ids": start + reply, "prompt_length": len(start)})
    draw = random.Random(0)  # noqa: S311 - no secret
    if prompt:
        return draw.sample(rows, pairs)
    cut = common_prefix(rows) - LENGTHS["prefix"]
    for row in rows:
        row["input_ids"] = row["input_ids"][:100] + row["input_ids"][100 + cut :]
        row["prompt_length"] -= cut
    return min(
        (draw.sample(rows, pairs) for _ in range(3000)),
        key=lambda chosen: sum(abs(value - LENGTHS[name]) for name, value in lengths(chosen).items()),
    )


def lengths(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Mean tokens: the shared prefix, the prompt after it, the reply."""
    from train.batches import common_prefix

    prefix = common_prefix(rows)
    reply = statistics.mean(len(r["input_ids"]) - r["prompt_length"] for r in rows)
    return {"prefix": prefix, "review": statistics.mean(r["prompt_length"] for r in rows) - prefix, "reply": reply}


def one(name: str, rows: list[dict[str, Any]], dtype: str) -> dict[str, Any]:
    """One optimiser step of a system, in this process."""
    import torch

    from plume.models import Base, load_model

    torch.manual_seed(0)
    model = load_model(Base(), dtype)
    with torch.no_grad():  # a small pass first: threads started, kernels chosen
        model(input_ids=torch.tensor([rows[0]["input_ids"][:32]], device=model.device))
    measure = _plume if name in PLUME else _trl
    result = measure(name, model, rows, dtype)
    return {"system": name, "dtype": dtype, **result}


def _plume(name: str, model: Any, rows: list[dict[str, Any]], dtype: str) -> dict[str, Any]:
    import torch

    from train import adapter
    from train.batches import micro_batches
    from train.config import TrainConfig
    from train.speed import Cost, machine_limit, peak_memory
    from train.step import backward, trainable

    config = TrainConfig(
        data="-", out="-", dtype=dtype, lora={"rank": LORA["r"], "alpha": LORA["lora_alpha"]}, **PLUME[name]
    )
    model = adapter.attach(model, config).train()
    device = next(model.parameters()).device
    limit = machine_limit(device.type, dtype)
    optimiser = torch.optim.AdamW(trainable(model), lr=2e-4, fused=True)
    batches = micro_batches(rows, BUDGET, share=config.share_prefix)
    if device.type == "cuda":  # kernels are compiled and chosen in a first step, which is not measured
        backward(model, batches, device)
        model.zero_grad(set_to_none=True)
    clock = _Clock(device)
    loss, _ = backward(model, batches, device)
    torch.nn.utils.clip_grad_norm_(trainable(model), 1.0)
    optimiser.step()
    taken = clock.stop()
    four, _ = Cost.of(model).flops(batches, recompute=False)
    _, six = Cost.of(model).flops(batches, recompute=True)
    tokens = sum(b.tokens for b in batches)
    share = {"share_4n": four / taken["wall"] / limit, "share_6n": six / taken["wall"] / limit, "limit": limit}
    return {**taken, **share, "loss": float(loss), "tokens": tokens, "peak": peak_memory(device.type)}


def _trl(name: str, model: Any, rows: list[dict[str, Any]], dtype: str) -> dict[str, Any]:
    import torch
    from peft import LoraConfig
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from datasets import Dataset
    from plume.models import Base, load_tokenizer
    from train.speed import peak_memory

    settings = dict(TRL[name])
    model.set_attn_implementation(settings.pop("attention", "sdpa"))
    device, size = model.device, settings["per_device_train_batch_size"]
    data = [
        {
            "input_ids": r["input_ids"],
            "completion_mask": [int(i >= r["prompt_length"]) for i in range(len(r["input_ids"]))],
        }
        for r in rows
    ]

    class Step(TrainerCallback):
        taken: dict[str, float]

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.clock = _Clock(device)

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.taken = self.clock.stop()

    step = Step()
    with tempfile.TemporaryDirectory() as folder:
        arguments = SFTConfig(
            output_dir=folder,
            max_steps=2 if device.type == "cuda" else 1,  # the last one is measured
            gradient_accumulation_steps=-(-len(rows) // size),
            learning_rate=2e-4,
            lr_scheduler_type="constant",
            max_length=None,
            completion_only_loss=True,
            gradient_checkpointing=False,
            bf16=dtype == "bfloat16",
            fp16=False,
            use_cpu=device.type == "cpu",
            report_to="none",
            save_strategy="no",
            logging_steps=1,
            dataloader_pin_memory=False,
            disable_tqdm=True,
            seed=0,
            **settings,
        )
        trainer = SFTTrainer(
            model,
            args=arguments,
            train_dataset=Dataset.from_list(data),
            processing_class=load_tokenizer(Base()),
            peft_config=LoraConfig(**LORA, task_type="CAUSAL_LM"),
            callbacks=[step],
        )
        trainer.train()
        loss = next(row["loss"] for row in trainer.state.log_history if "loss" in row)
    torch.set_grad_enabled(True)
    tokens = sum(len(r["input_ids"]) for r in rows)
    return {**step.taken, "loss": loss, "tokens": tokens, "peak": peak_memory(device.type)}


class _Clock:
    """CPU-seconds of all threads, and seconds; waits for the device at both ends."""

    def __init__(self, device: Any) -> None:
        self.device = device
        self._wait()
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def stop(self) -> dict[str, float]:
        self._wait()
        return {"cpu": time.process_time() - self.cpu, "wall": time.perf_counter() - self.wall}

    def _wait(self) -> None:
        import torch

        if self.device.type == "cuda":
            torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--prompt", help="a prompt version as it is, instead of one cut to the corpus's lengths")
    parser.add_argument("--trl", choices=sorted(TRL), help="take this way of TRL's without looking for the fastest")
    parser.add_argument("--threads", type=int, help="of the CPU; by default all cores")
    parser.add_argument("--out", type=Path, help="write every measurement to this JSON file")
    parser.add_argument("--one", nargs=2, metavar=("SYSTEM", "ROWS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        name, path = args.one
        print(json.dumps(one(name, json.loads(Path(path).read_text()), args.dtype)))  # noqa: T201
        return
    with tempfile.TemporaryDirectory() as folder:
        rows = sample_rows(args.pairs, args.prompt, Path(folder) / "dataset")
        file = Path(folder) / "rows.json"
        file.write_text(json.dumps(rows))
        shown = {k: round(v) for k, v in lengths(rows).items()}
        machine = platform.processor() or platform.machine()
        say(f"{machine}, {args.device}, {args.dtype}, {args.pairs} pairs, tokens {shown}")
        tried = {} if args.trl else {name: [_run(name, file, args)] for name in TRL}
        best = args.trl or min(tried, key=lambda name: tried[name][0]["cpu" if args.device == "cpu" else "wall"])
        ours = [name for name in PLUME if name != FLEX or args.device == "cuda"]
        measured: dict[str, list[dict[str, Any]]] = {name: [] for name in (*ours, best)}
        for repeat in range(args.repeats):
            for name, runs in measured.items():
                if repeat == 0 or name != REPEATED:  # measured once: what sharing alone gives
                    runs.append(_run(name, file, args))
    _report(measured, tried, best, args)
    if args.out:
        args.out.write_text(json.dumps({"tried": tried, "measured": measured, "lengths": shown}, indent=1))


def _run(name: str, file: Path, args: argparse.Namespace) -> dict[str, Any]:
    """A system's step in a process of its own."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    if args.threads:
        environment["OMP_NUM_THREADS"] = str(args.threads)
    if args.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    words = [sys.executable, __file__, "--dtype", args.dtype, "--device", args.device, "--one", name, str(file)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{name}: {done.stderr[-2000:]}")
    result = json.loads(done.stdout.strip().splitlines()[-1])
    say(f"  {name}: {result['cpu']:.1f} CPU-s, {result['wall']:.1f} s, loss {result['loss']:.4f}")
    return result


def _report(
    measured: dict[str, list[dict[str, Any]]],
    tried: dict[str, list[dict[str, Any]]],
    best: str,
    args: argparse.Namespace,
) -> None:
    unit = "cpu" if args.device == "cpu" else "wall"
    say(f"\nTRL's fastest: {best}" + (f" of {', '.join(tried)}" if tried else " (as asked)"))
    for name, runs in measured.items():
        costs = [run[unit] for run in runs]
        middle = statistics.median(costs)
        run = min(runs, key=lambda r: abs(r[unit] - middle))
        share = f", {run['share_4n']:.0%} of the limit (4N), {run['share_6n']:.0%} (6N)" if "share_4n" in run else ""
        second = "CPU-s" if unit == "cpu" else "s"
        say(
            f"{name}: {middle:.1f} {second} ({min(costs):.1f} to {max(costs):.1f}, n = {len(runs)}), "
            f"{args.pairs / middle:.3f} samples per {second}, {run['tokens'] / run['wall']:.0f} tokens/s, "
            f"{args.pairs / run['wall']:.2f} samples/s, peak {run['peak'] / 2**30:.1f} GiB{share}"
        )
    ratios = [t[unit] / p[unit] for t, p in zip(measured[best], measured["plume"], strict=True)]
    say(f"TRL / plume: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, n = {len(ratios)})")


if __name__ == "__main__":
    main()
