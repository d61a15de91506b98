"""Print what `plume train CONFIG --estimate` found: what takes how much, which cards it fits, and for how long."""

from rich.console import Console
from rich.table import Table

from train.auto import free_memory
from train.cards import CARDS, Choice, Fitting
from train.config import TrainConfig, left_to_card
from train.device_kind import kind_here
from train.estimate import REACHED
from train.gpus import GPUS
from train.samples import Samples

GIB = 2**30


def print_estimate(config: TrainConfig, samples: Samples, speed: float | None, console: Console) -> None:
    """Print what a run takes here and on cards; `speed` in tokens a second, if known, gives the time."""
    gpu = Fitting(config, samples, "cuda")
    columns: dict[str, Choice] = {}
    open_sizes = set(left_to_card(config)) - {"dtype"}
    if kind_here() == "cuda" and open_sizes:
        columns |= _here(gpu, "this GPU", console)
    if kind_here() == "cpu" and not config.lora.qlora:
        columns |= _here(Fitting(config, samples, "cpu"), "this CPU", console)
    if not open_sizes:
        columns["a GPU"] = gpu.given()
    if columns:
        console.print(_memory(columns))
    if written := columns.get("a GPU"):
        console.print(_as_written(written))
    cards = {memory: gpu.best(memory) for memory in CARDS}
    shown = next(filter(None, (*columns.values(), *cards.values())), None)
    if shown:
        console.print(_tokens(shown))
    if told := samples.say_sources():
        console.print(told)
    console.print(_cards(cards, speed))
    console.print(
        "needed: the tensors alive at once, traced, and on a GPU a tenth for the allocator's gaps and 1 GiB for CUDA, "
        "assumed"
    )
    if speed:
        console.print(f"time at {speed:,.0f} tokens/s, as given")
    else:
        console.print(
            f"times at {REACHED:.0%} of the published speed (assumed; QLoRA takes longer); give a measured one with "
            "--speed TOKENS_PER_SECOND"
        )


def _here(fitting: Fitting, title: str, console: Console) -> dict[str, Choice]:
    free = free_memory()
    if choice := fitting.auto(free):
        return {title: choice}
    console.print(f"{title} has {free / GIB:.1f} GiB free: does not fit")
    return {}


def _memory(columns: dict[str, Choice]) -> Table:
    table = Table("GiB, at the largest micro-batch", *columns, title="Memory")
    for column in table.columns[1:]:
        column.justify = "right"
    for name in ("weights", "adapter", "gradients", "optimiser", "passes", "total", "needed"):
        values = (f"{getattr(c.footprint, name) / GIB:.2f}" for c in columns.values())
        table.add_row(name, *values, style="bold" if name == "total" else "")
    for name in ("micro_batch_tokens", "recompute", "dtype"):
        table.add_row(name, *(str(getattr(c.config, name)).lower() for c in columns.values()))
    return table


def _as_written(choice: Choice) -> str:
    needed, config = choice.footprint.needed, choice.config
    fits, not_fits = ([f"{card / 1e9:.0f}" for card in CARDS if (needed <= card) is wanted] for wanted in (True, False))
    told = f"fits cards of {', '.join(fits)} GB" if fits else "fits no card"
    return (
        f"as written (micro_batch_tokens={config.micro_batch_tokens}, recompute={str(config.recompute).lower()}): "
        f"{needed / GIB:.1f} GiB of a GPU; {told}" + (f"; not of {', '.join(not_fits)}" if fits and not_fits else "")
    )


def _tokens(choice: Choice) -> str:
    found = choice.footprint
    saved = 1 - found.tokens_per_epoch / found.unshared_tokens_per_epoch
    return (
        f"the largest micro-batch: {found.worst_samples} samples, {found.worst_tokens} tokens; "
        f"{found.tokens_per_epoch:,} tokens an epoch, shared prefixes once ({saved:.0%} less than each on its own); "
        f"{found.steps} steps, {found.tokens:,} tokens in all"
    )


def _cards(cards: dict[float, Choice | None], speed: float | None) -> Table:
    table = Table("card", "micro_batch_tokens", "recompute", "base", "GiB needed", "time", title="What fits which card")
    for memory, choice in cards.items():
        card = f"{memory / 1e9:.0f} GB ({memory / GIB:.1f} GiB)"
        if choice is None:
            table.add_row(card, "nothing fits", "", "", "", "")
            continue
        config = choice.config
        base = "4 bits (lora.qlora=true)" if config.lora.qlora else config.dtype
        needed = f"{choice.footprint.needed / GIB:.1f}"
        size, recompute = str(config.micro_batch_tokens), str(config.recompute).lower()
        table.add_row(card, size, recompute, base, needed, _time(choice, memory, speed))
    return table


def _time(choice: Choice, memory: float, speed: float | None) -> str:
    if speed:
        return _duration(choice.footprint.tokens / speed)
    if choice.config.dtype != "bfloat16":
        return "not known: speeds are published for bfloat16"
    times = sorted((choice.footprint.seconds(gpu.flops), gpu.name) for gpu in GPUS if gpu.memory == memory)
    ends = (times[0], times[-1])
    return " to ".join(dict.fromkeys(f"{_duration(seconds)} ({name})" for seconds, name in ends))


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes / 60:.1f} h" if minutes >= 90 else f"{minutes:.1f} min"
