"""Training at the true Mistral-7B shape with random weights: does the estimate hold, what does each change gain.

    python benchmarks/gpu.py --out DIR [--device cpu --shape tiny] [--parts fit,ladder,profile,qlora] [--seconds 540]

Each part writes its JSON when it is done; called again, those that are there are skipped. A part that fails is told,
the next one begins in a new process, for a kernel's failure may spoil the GPU for the old one, and what failed is tried
once more at the end. `--report` prints what is there as tables for docs/performance.md, predictions beside. A step is
the recipe's: 32 pairs that share a prefix of 263 tokens, their own 450 on average, drawn anew for each step from the
same seeds in every part.

Imports torch, transformers, peft, and of plume what needs pydantic, jinja2, rich and typer beside them: no data set, no
tokenizer, no store.
"""

import argparse
import gc
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.remove(str(Path(__file__).resolve().parent))  # else `train` would be the benchmark beside this file
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from benchmarks.gpu_old import RUNGS, as_it_was
from train import adapter
from train.batches import TokenRow, micro_batches
from train.config import TrainConfig
from train.device_kind import kind_here
from train.speed import Cost, machine_limit
from train.step import backward, trainable
from train.traced_memory import LiveBytes, trace

MISTRAL = {
    "vocab_size": 32002,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "max_position_embeddings": 32768,
    "sliding_window": 4096,
}
TINY = {**MISTRAL, "vocab_size": 512, "hidden_size": 64, "intermediate_size": 224, "num_hidden_layers": 2}
TINY |= {"num_attention_heads": 8, "num_key_value_heads": 2, "sliding_window": 64}
# Of a shape: its config, pairs a step, tokens of prefix, review and reply, and by how much budgets are divided.
SHAPES = {"mistral-7b": (MISTRAL, 32, (263, 233, 217), 1), "tiny": (TINY, 8, (26, 23, 22), 16)}
WARM, TIMED = 2, 5  # steps: kernels are compiled in the first, and chosen
BUDGETS = (2048, 4096, 8192, 16384)
SETTINGS: dict[str, dict[str, Any]] = {
    "micro_batch_tokens 4096": {"micro_batch_tokens": 4096},
    "micro_batch_tokens 16384": {"micro_batch_tokens": 16384},
    "recompute": {"micro_batch_tokens": 16384, "recompute": True},
    "prefix not shared": {"share_prefix": False},
    "attention flex": {"attention": "flex"},
}
APART = 0.05  # of losses and gradient norms in bfloat16, relative


class Bench:
    """A model of random weights, and the steps that it is given."""

    def __init__(self, shape: str, folder: Path) -> None:
        settings, self.pairs, self.lengths, self.divisor = SHAPES[shape]
        self.device, self.folder = torch.device(kind_here()), folder / "model"
        from transformers import MistralConfig

        self.settings = MistralConfig(**settings)
        self.settings.save_pretrained(self.folder)

    def config(self, **settings: Any) -> TrainConfig:
        budget = settings.pop("micro_batch_tokens", 8192) // self.divisor
        return TrainConfig(
            data="-",
            out="-",
            base={"model": str(self.folder)},
            max_tokens=min(2048 // self.divisor, budget),
            micro_batch_tokens=budget,
            **settings,
        )

    def model(self, config: TrainConfig) -> Any:
        """The base in bfloat16 and its adapter, the same for every part; none of its weights is zero, as LoRA's B is:
        a gradient that is missing shows."""
        from transformers import AutoModelForCausalLM

        torch.manual_seed(0)
        with torch.device(self.device):
            base = AutoModelForCausalLM.from_config(self.settings, dtype=torch.bfloat16)
        if config.lora.qlora:
            _in_four_bits(base)
        model = adapter.attach(base, config).train()
        draw = torch.Generator(self.device).manual_seed(0)
        with torch.no_grad():
            for _, weight in sorted((n, p) for n, p in model.named_parameters() if "lora_" in n):
                weight.copy_(torch.randn(weight.shape, generator=draw, device=self.device) * 0.02)
        return model

    def rows(self, seed: int) -> list[TokenRow]:
        """The samples of one step: random tokens, lengths as spread as those of the corpus."""
        draw = random.Random(seed)  # noqa: S311 - no secret
        prefix, review, reply = self.lengths
        shared = [draw.randrange(self.settings.vocab_size) for _ in range(prefix)]
        rows = []
        for _ in range(self.pairs):
            asked, said = (round(mean * draw.uniform(0.4, 1.6)) for mean in (review, reply))
            own = [draw.randrange(self.settings.vocab_size) for _ in range(asked + said)]
            rows.append({"input_ids": shared + own, "prompt_length": prefix + asked})
        return rows

    def optimiser(self, model: Any) -> torch.optim.Optimizer:
        return torch.optim.AdamW(trainable(model), lr=1e-5, fused=True)

    def step(self, model: Any, optimiser: torch.optim.Optimizer, batches: list[Any]) -> tuple[float, float]:
        """One optimiser step; returns its loss and its gradient's norm."""
        loss, _ = backward(model, batches, self.device)
        norm = torch.nn.utils.clip_grad_norm_(trainable(model), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        return tuple(torch.stack([loss, norm.to(loss.dtype)]).tolist())

    def wait(self) -> float:
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


def speed(bench: Bench, config: TrainConfig, rung: int | None = None) -> dict[str, Any]:
    """Seconds, tokens/s, MFU, losses, gradient norms and peak memory of `TIMED` steps; `rung`: as the code once was."""
    with as_it_was(rung):
        model = bench.model(config)
        if rung is not None:
            RUNGS[rung].change(model)
        optimiser, cost = bench.optimiser(model), Cost.of(model)
        seconds, told, computed, counted, done = [], [], 0, 0, 0.0
        for number in range(WARM + TIMED):
            rows = bench.rows(number)
            batches = micro_batches(rows, config.micro_batch_tokens, share=config.share_prefix)
            if number == WARM and bench.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            started = bench.wait()
            told.append(bench.step(model, optimiser, batches))
            if number >= WARM:
                seconds.append(bench.wait() - started)
                computed += sum(batch.tokens for batch in batches)
                counted += sum(len(row["input_ids"]) for row in rows)
                done += cost.flops(batches, recompute=False)[0]
    total = sum(seconds)
    return {
        "seconds": seconds,
        "computed_tokens_per_second": computed / total,
        "counted_tokens_per_second": counted / total,  # as peers count: each sample's prefix
        "mfu": done / total / machine_limit(bench.device.type, "bfloat16"),
        "losses": [loss for loss, _ in told],
        "gradient_norms": [norm for _, norm in told],
        "peak_bytes": torch.cuda.max_memory_allocated() if bench.device.type == "cuda" else None,
    }


def fit(bench: Bench, config: TrainConfig) -> dict[str, Any]:
    """Bytes of a step by `plume train --estimate`'s trace, and measured."""
    batches = micro_batches(bench.rows(0), config.micro_batch_tokens)
    traced = trace(config, batches[0], bench.device.type)
    expected = traced.weights + 4 * traced.adapter + traced.passes  # gradients and AdamW's two moments
    others = torch.cuda.memory_allocated()  # 0 without a GPU
    model = bench.model(config)
    optimiser = bench.optimiser(model)
    bench.step(model, optimiser, batches[-1:])  # the optimiser has its moments
    for weight in trainable(model):
        weight.grad = torch.zeros_like(weight)
    if bench.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        backward(model, batches[:1], bench.device)
        measured = torch.cuda.max_memory_allocated() - others
    else:
        moments = [t for state in optimiser.state.values() for t in state.values()]
        fixed = [*model.parameters(), *model.buffers(), *(p.grad for p in trainable(model)), *moments]
        with LiveBytes(fixed) as followed:
            backward(model, batches[:1], bench.device)
        measured = followed.peak
    found = {"tokens": batches[0].tokens, "estimated_bytes": expected, "measured_bytes": measured}
    return found | {"measured_over_estimated": measured / expected}


def profile(bench: Bench, config: TrainConfig, out: Path) -> dict[str, Any]:
    """Torch's table of one step's kernels, in profile.txt."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    model = bench.model(config)
    optimiser = bench.optimiser(model)
    for number in range(WARM):
        bench.step(model, optimiser, micro_batches(bench.rows(number), config.micro_batch_tokens))
    kinds = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if bench.device.type == "cuda" else [])
    with profiler(activities=kinds) as taken:
        bench.step(model, optimiser, micro_batches(bench.rows(WARM), config.micro_batch_tokens))
        bench.wait()
    table = taken.key_averages().table(sort_by=f"self_{bench.device.type}_time_total", row_limit=40)
    (out / "profile.txt").write_text(table)
    return {"table": "profile.txt"}


def _in_four_bits(module: Any) -> None:
    """Quantise each linear layer but the head as QLoRA does. Needs bitsandbytes and a GPU: never run so far."""
    import bitsandbytes as bnb

    module.is_loaded_in_4bit = True
    for parent in list(module.model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is torch.nn.Linear:
                sizes = (child.in_features, child.out_features)
                new = bnb.nn.Linear4bit(*sizes, bias=False, compute_dtype=torch.bfloat16, quant_type="nf4")
                weight = bnb.nn.Params4bit(child.weight.data, requires_grad=False, quant_type="nf4")
                new.weight = weight.to(child.weight.device)
                setattr(parent, name, new)


def parts(chosen: list[str]) -> dict[str, Callable[[Bench, Path], dict[str, Any]]]:
    """What is measured, by the name of its file; the most wanted first."""
    found: dict[str, Callable[[Bench, Path], dict[str, Any]]] = {}

    def add(part: str, name: str, measure: Callable[[Bench, Path], dict[str, Any]]) -> None:
        if part in chosen:
            found[f"{part} {name}".strip().replace(" ", "-")] = measure

    last = len(RUNGS) - 1
    add("ladder", f"{last} as it is", lambda bench, _: speed(bench, bench.config()))
    for budget in BUDGETS:
        for recompute in (False, True):
            settings = {"micro_batch_tokens": budget, "recompute": recompute}
            name = f"{budget} recompute" if recompute else f"{budget}"
            add("fit", name, lambda bench, _, s=settings: fit(bench, bench.config(**s)))
    add("profile", "", lambda bench, out: profile(bench, bench.config(), out))
    for number in reversed(range(last)):
        add("ladder", RUNGS[number].file, lambda bench, _, n=number: speed(bench, bench.config(), n))
    for name, settings in SETTINGS.items():
        add("ladder", name, lambda bench, _, s=settings: speed(bench, bench.config(**s)))
    qlora = {"lora": {"qlora": True}, "micro_batch_tokens": 4096}
    add("qlora", "", lambda bench, _: speed(bench, bench.config(**qlora)) | fit(bench, bench.config(**qlora)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="folder of the results; what is there is not redone")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="mistral-7b")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--parts", default="fit,ladder,profile,qlora")
    parser.add_argument("--seconds", type=float, default=540, help="no part goes on after so many")
    parser.add_argument("--report", action="store_true", help="measure nothing, print what is there")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    elif not args.report and not torch.cuda.is_available():
        sys.exit("no NVIDIA GPU: --device cpu --shape tiny runs the same")
    args.out.mkdir(parents=True, exist_ok=True)
    chosen = parts(args.parts.split(","))
    if args.work:
        work(args.work.split(","), chosen, args)
    elif args.report:
        report(args.out)
    else:
        missing = drive(chosen, args)
        report(args.out)
        sys.exit(1 if missing else 0)


def work(names: list[str], chosen: dict[str, Any], args: argparse.Namespace) -> None:
    """Measure these parts, one after the other, until one fails, which is told."""
    bench = Bench(args.shape, args.out)
    for name in names:
        started = time.monotonic()
        try:
            result = chosen[name](bench, args.out)
        except Exception as error:  # whatever a kernel or a full memory raises
            say(f"{name}: not measured ({(str(error).strip().splitlines() or [type(error).__name__])[0]})")
            return
        write_whole(args.out / f"{name}.json", result | where(args))
        say(f"{name}: done in {time.monotonic() - started:.0f} s")
        gc.collect()
        torch.cuda.empty_cache()


def drive(chosen: dict[str, Any], args: argparse.Namespace) -> list[str]:
    """Have what is not there yet measured in a process that can be stopped; returns what is missing in the end."""
    until = time.monotonic() + args.seconds
    environment = {"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True", "HF_HUB_OFFLINE": "1"} | os.environ
    for name in list(chosen):
        if lacking := _lacks(name, args.device):
            say(f"{name}: left out, it needs {lacking}")
            del chosen[name]
    failures = dict.fromkeys(chosen, 0)

    def missing() -> list[str]:
        return [name for name in chosen if not (args.out / f"{name}.json").is_file()]

    while names := sorted((name for name in missing() if failures[name] < 2), key=failures.__getitem__):
        words = ["--out", args.out, "--shape", args.shape, "--device", args.device, "--parts", args.parts]
        command = [sys.executable, __file__, *map(str, words), "--work", ",".join(names)]
        try:
            done = subprocess.run(command, env=environment, timeout=max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            say(f"stopped: the {args.seconds:.0f} s are over; called again, it goes on")
            break
        if done.returncode > 0:  # it could not begin, and has said why
            break
        failures[next((name for name in names if name in missing()), names[0])] += 1  # what the process ended with
    return missing()


def _lacks(name: str, device: str) -> str:
    from importlib.util import find_spec

    if name in ("qlora", "ladder-attention-flex") and device != "cuda":
        return "an NVIDIA GPU"
    return "bitsandbytes" if name == "qlora" and find_spec("bitsandbytes") is None else ""


def where(args: argparse.Namespace) -> dict[str, Any]:
    import transformers

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return {"device": name, "shape": args.shape, "torch": torch.__version__, "transformers": transformers.__version__}


def write_whole(path: Path, result: dict[str, Any]) -> None:
    path.with_suffix(".part").write_text(json.dumps(result, indent=1))
    path.with_suffix(".part").replace(path)


def report(out: Path) -> None:
    """Print what is there as tables of docs/performance.md, and whether all rungs computed the same."""
    found = {path.stem: json.loads(path.read_text()) for path in sorted(out.glob("*.json"))}
    if not found:
        say(f"{out}: nothing is measured yet")
        return
    first = next(iter(found.values()))
    say(f"{first['device']}, torch {first['torch']}, transformers {first['transformers']}, shape {first['shape']}\n")
    say("| step | predicted s (H100) | s (min to max, n) | computed tok/s (peers' count) | MFU | peak GiB |")
    say("|---|---|---|---|---|---|")
    predicted = {f"ladder-{rung.file}".replace(" ", "-"): rung.predicted for rung in RUNGS}
    predicted["ladder-4-as-it-is"] = predicted.pop("ladder-4-one-product-for-A")
    timed = {name: run for name, run in found.items() if "seconds" in run}
    for name, run in timed.items():
        took = run["seconds"]
        peak = f"{run['peak_bytes'] / 2**30:.1f}" if run["peak_bytes"] else "–"
        say(
            f"| {name} | {predicted.get(name, '–')} | {statistics.median(took):.3f} ({min(took):.3f} to "
            f"{max(took):.3f}, {len(took)}) | {run['computed_tokens_per_second']:,.0f} "
            f"({run['counted_tokens_per_second']:,.0f}) | {run['mfu']:.0%} | {peak} |"
        )
    say("\n| fit | tokens | estimated GiB | measured GiB | measured / estimated |")
    say("|---|---|---|---|---|")
    for name, run in found.items():
        if "measured_bytes" in run:
            sizes = [f"{run[key] / 2**30:.2f}" for key in ("estimated_bytes", "measured_bytes")]
            say(f"| {name} | {run['tokens']} | {' | '.join(sizes)} | {run['measured_over_estimated']:.3f} |")
    same = {name: run for name, run in timed.items() if name.startswith("ladder")}
    for what in ("losses", "gradient_norms"):
        firsts = [run[what][0] for run in same.values()]
        apart = max(firsts) / min(firsts) - 1 if firsts and min(firsts) > 0 else float("inf") if firsts else 0.0
        verdict = "agree" if apart <= APART else f"DIFFER: no gain counts until they are within {APART:.0%}"
        say(f"\n{what} of the first step: {len(firsts)} ways, within {apart:.2%}: {verdict}")


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
