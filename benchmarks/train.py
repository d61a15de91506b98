"""Training speed beside TRL's: same pairs, tokens, model, adapter, precision and effective batch, in one run.

    python benchmarks/train.py [--pairs 16] [--repeats 3] [--dtype float32|bfloat16] [--device cuda] [--prompt v1]

Each figure is one optimiser step of `--pairs` samples in a process of its own, loading left out (on a GPU the second
step); the systems take turns. TRL's SFTTrainer is given its best: tokens ready, the model loaded as plume loads it
(keeping freed memory), no recomputation, its loss in chunks, and the fastest of its ways that keep samples apart, found
by a step of `--explore` pairs each: one sample a micro-batch; padded batches of like length; packed rows without
padding, two and four to a row; torch's attention or the eager one; in bfloat16 with autocast over a float32 adapter, or
everything in bfloat16. A way that takes more than `--memory` GiB is stopped, named with its figure and left out. On a
CPU shared with others, --threads 1 keeps waiting out of the CPU-seconds. Needs `pip install -e '.[train]'`.

Both begin with the same adapter, so both must find the same loss and the same gradient: its norm stands beside each
figure, and if the norms differ by more than `APART`, nothing is reported and the exit code is 1.

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
TRL: dict[str, dict[str, Any]] = {
    "trl, one by one": {"per_device_train_batch_size": 1},
    "trl, one by one, eager attention": {"per_device_train_batch_size": 1, "attention": "eager"},
    "trl, padded, like lengths": {"per_device_train_batch_size": 4, "train_sampling_strategy": "group_by_length"},
    "trl, packed by two without padding": {"per_device_train_batch_size": 2, "padding_free": True},
    "trl, packed by four without padding": {"per_device_train_batch_size": 4, "padding_free": True},
}
PURE = ", all in bfloat16"  # else the adapter is float32, and torch's autocast converts
TRL |= {f"{name}{PURE}": settings | {"pure": True} for name, settings in TRL.items()}
APART = {"float32": 1e-3, "bfloat16": 0.05}  # of the gradients' norms, relative
REPEATED = "plume, prefix repeated"
FLEX = "plume, FlexAttention"  # GPUs only
PLUME = {"plume": {}, REPEATED: {"share_prefix": False}, FLEX: {"attention": "flex"}}
LORA = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}
BUDGET = 8192  # tokens that plume computes at once: they fit the memory in float32, too


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
    _start(model)
    device = next(model.parameters()).device
    limit = machine_limit(device.type, dtype)
    optimiser = torch.optim.AdamW(trainable(model), lr=2e-4, fused=True)
    budget = BUDGET if config.share_prefix else BUDGET // 2  # nothing is gained by more where the prefix is repeated
    batches = micro_batches(rows, budget, share=config.share_prefix)
    if device.type == "cuda":  # kernels are compiled and chosen in a first step, which is not measured
        backward(model, batches, device)
        model.zero_grad(set_to_none=True)
    clock = _Clock(device)
    loss, _ = backward(model, batches, device)
    norm = torch.nn.utils.clip_grad_norm_(trainable(model), 1.0)
    optimiser.step()
    taken = clock.stop()
    four, _ = Cost.of(model).flops(batches, recompute=False)
    _, six = Cost.of(model).flops(batches, recompute=True)
    tokens = sum(b.tokens for b in batches)
    share = {"share_4n": four / taken["wall"] / limit, "share_6n": six / taken["wall"] / limit, "limit": limit}
    found = {"loss": float(loss), "norm": float(norm), "tokens": tokens, "peak": peak_memory(device.type)}
    return taken | share | found


def _start(model: Any) -> None:
    """Give every adapter the same weights; none is zero, as LoRA's B is: a gradient that is missing shows."""
    import torch

    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for _, weight in sorted((n, p) for n, p in model.named_parameters() if "lora_" in n):
            weight.copy_(torch.randn(weight.shape, generator=draw) * 0.02)


def _trl(name: str, model: Any, rows: list[dict[str, Any]], dtype: str) -> dict[str, Any]:
    from peft import LoraConfig, get_peft_model
    from transformers import TrainerCallback
    from trl import SFTConfig, SFTTrainer

    from datasets import Dataset
    from plume.models import Base, load_tokenizer
    from train.speed import peak_memory

    settings = dict(TRL[name])
    model.set_attn_implementation(settings.pop("attention", "sdpa"))
    pure = settings.pop("pure", False)
    model = get_peft_model(model, LoraConfig(**LORA, task_type="CAUSAL_LM"), autocast_adapter_dtype=not pure)
    _start(model)
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
            bf16=dtype == "bfloat16" and not pure,
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
            callbacks=[step],
        )
        trainer.train()
        told = next(row for row in trainer.state.log_history if "loss" in row)
    tokens = sum(len(r["input_ids"]) for r in rows)
    found = {"loss": told["loss"], "norm": float(told["grad_norm"]), "tokens": tokens}
    return step.taken | found | {"peak": peak_memory(device.type)}


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
    parser.add_argument("--explore", type=int, default=4, help="pairs of the step by which TRL's fastest way is found")
    parser.add_argument("--memory", type=float, default=8.0, help="GiB that a process may take, at most")
    parser.add_argument("--threads", type=int, help="of the CPU; by default all cores")
    parser.add_argument("--out", type=Path, help="write every measurement to this JSON file")
    parser.add_argument("--one", nargs=2, metavar=("SYSTEM", "ROWS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        name, path = args.one
        print(json.dumps(one(name, json.loads(Path(path).read_text()), args.dtype)))  # noqa: T201
        return
    if args.out and not args.out.parent.is_dir():
        parser.error(f"--out {args.out}: its folder is not there")
    with tempfile.TemporaryDirectory() as folder:
        rows = sample_rows(args.pairs, args.prompt, Path(folder) / "dataset")
        file, few = Path(folder) / "rows.json", Path(folder) / "few.json"
        file.write_text(json.dumps(rows))
        few.write_text(json.dumps(rows[: args.explore]))
        shown = {k: round(v) for k, v in lengths(rows).items()}
        say(f"{machine(args)}, {args.dtype}, {args.pairs} pairs, tokens {shown}")
        unit = "cpu" if args.device == "cpu" else "wall"
        ways = [name for name in TRL if args.dtype == "bfloat16" or not name.endswith(PURE)]
        tried = {name: _run(name, few, args) for name in ([] if args.trl else ways)}
        ranked = sorted((name for name, run in tried.items() if run), key=lambda name: tried[name][unit])
        if not (best := args.trl or next(iter(ranked), None)):
            sys.exit(f"none of TRL's ways fits in {args.memory:g} GiB; raise --memory")
        measured = _measure(best, file, args)
    agree = _report(measured, tried, unit, args)
    if args.out:
        found = {"machine": machine(args), "tried": tried, "measured": measured, "lengths": shown}
        args.out.write_text(json.dumps(found, indent=1))
    sys.exit(0 if agree else 1)


def machine(args: argparse.Namespace) -> str:
    """The processor, its units for bfloat16, the threads that are used."""
    import torch

    if args.device == "cuda":
        return torch.cuda.get_device_name()
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.is_file() else []  # Linux only
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    units = {"AMX": torch.cpu._is_amx_tile_supported(), "AVX512-BF16": torch.cpu._is_avx512_bf16_supported()}
    have = " and ".join(name for name, there in units.items() if there) or "none"
    threads = args.threads or torch.get_num_threads()
    return f"{names[0] if names else platform.machine()}, units for bfloat16: {have}, threads: {threads}"


def _measure(best: str, file: Path, args: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Steps of plume and of TRL's fastest way, in turn. What does not fit in the memory ends the run."""
    ours = [name for name in PLUME if name != FLEX or args.device == "cuda"]
    measured: dict[str, list[dict[str, Any]]] = {name: [] for name in (*ours, best)}
    for repeat in range(args.repeats):
        for name, runs in measured.items():
            if repeat == 0 or name != REPEATED:  # measured once: what sharing alone gives
                if (run := _run(name, file, args)) is None:
                    sys.exit(f"{name}: does not fit in {args.memory:g} GiB; raise --memory, or name another --trl")
                runs.append(run)
    return measured


def _run(name: str, file: Path, args: argparse.Namespace) -> dict[str, Any] | None:
    """A system's step in a process of its own; None if it took more memory than it may."""
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    if args.threads:
        environment["OMP_NUM_THREADS"] = str(args.threads)
    if args.device == "cpu":
        environment["CUDA_VISIBLE_DEVICES"] = ""
    words = [sys.executable, __file__, "--dtype", args.dtype, "--device", args.device, "--one", name, str(file)]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(words, env=environment, stdout=out, stderr=err)
        if (taken := _watch(process, args.memory)) > args.memory:
            say(f"  {name}: left out, it took more than {args.memory:g} GiB (stopped at {taken:.1f})")
            return None
        out.seek(0), err.seek(0)
        told, error = out.read(), err.read()
    if process.returncode:
        sys.exit(f"{name}: {error[-2000:]}")
    result = json.loads(told.strip().splitlines()[-1])
    say(
        f"  {name}: {result['cpu']:.1f} CPU-s, {result['wall']:.1f} s, loss {result['loss']:.4f}, "
        f"gradient norm {result['norm']:.4f}, peak {result['peak'] / 2**30:.1f} GiB"
    )
    return result


def _watch(process: subprocess.Popen, memory: float) -> float:
    """Wait for a process, and kill it once its resident memory is above the limit; GiB at the last look."""
    taken, status = 0.0, Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        lines = status.read_text().splitlines() if status.is_file() else []  # Linux only: elsewhere, no limit
        taken = next((int(line.split()[1]) / 2**20 for line in lines if line.startswith("VmRSS")), taken)
        if taken > memory:
            process.kill()
            process.wait()
            break
        time.sleep(0.05)
    return taken


def _report(
    measured: dict[str, list[dict[str, Any]]],
    tried: dict[str, dict[str, Any] | None],
    unit: str,
    args: argparse.Namespace,
) -> bool:
    """Print what was measured; False, and no ratio, where the gradients are not the same."""
    best = next(name for name in measured if name in TRL)
    say(f"\nTRL's fastest: {best}" + (f" of {sum(map(bool, tried.values()))} ways" if tried else " (as asked)"))
    for name, runs in measured.items():
        costs = [run[unit] for run in runs]
        middle = statistics.median(costs)
        run = min(runs, key=lambda r: abs(r[unit] - middle))
        share = f", {run['share_4n']:.0%} of the limit (4N), {run['share_6n']:.0%} (6N)" if "share_4n" in run else ""
        second = "CPU-s" if unit == "cpu" else "s"
        say(
            f"{name}: {middle:.1f} {second} ({min(costs):.1f} to {max(costs):.1f}, n = {len(runs)}), "
            f"{args.pairs / middle:.3f} samples per {second}, {run['tokens'] / run['wall']:.0f} tokens/s, "
            f"{args.pairs / run['wall']:.2f} samples/s, loss {run['loss']:.4f}, gradient norm {run['norm']:.4f}, "
            f"peak {max(r['peak'] for r in runs) / 2**30:.1f} GiB{share}"
        )
    norms = [run["norm"] for runs in measured.values() for run in runs]
    apart = max(norms) / min(norms) - 1 if min(norms) > 0 else float("inf")
    if not apart <= APART[args.dtype]:
        say(f"no ratio: the gradients' norms differ by {apart:.2%}, at most {APART[args.dtype]:.1%} is rounding")
        return False
    say(f"gradient norms agree within {apart:.2%} (at most {APART[args.dtype]:.1%})")
    ratios = [t[unit] / p[unit] for t, p in zip(measured[best], measured["plume"], strict=True)]
    say(f"TRL / plume: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}, n = {len(ratios)})")
    return True


if __name__ == "__main__":
    main()
