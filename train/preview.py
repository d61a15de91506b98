"""`plume train CONFIG --preview N`: what the model will see and what it will be graded on. Trains nothing.

What is learnt is green; without colours it stands between ⟦ and ⟧.
"""

import statistics
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from train.batches import TokenRow
from train.config import TrainConfig
from train.samples import Samples, reasons

BINS = 12


def preview(config: TrainConfig, samples: Samples, tokenizer: Any, count: int, console: Console) -> None:
    """Print `count` samples with their mask, then the lengths of all and what was left out."""
    for row in samples.train.select(range(min(count, len(samples.train)))):
        console.print(_sample(row, tokenizer, samples.prefix, colours=bool(console.color_system)), soft_wrap=True)
    console.print(_counts(config, samples))
    console.print(_histogram(samples.lengths))
    if told := samples.say_sources():
        console.print(told)
    for title, rows in (("left out", samples.dropped), ("cut", samples.truncated)):
        for reason, times in sorted(reasons(rows).items(), key=lambda item: -item[1]):
            console.print(f"{title}: {times} × {reason}", markup=False)


def _sample(row: TokenRow, tokenizer: Any, prefix: int, *, colours: bool) -> Text:
    ids, start = row["input_ids"], row["prompt_length"]
    spans = [(ids[:prefix], "dim"), (ids[prefix:start], ""), (ids[start:], "green")]
    text = Text()
    text.append(f"— {row['id']}: {len(ids)} tokens, {prefix} shared, {len(ids) - start} learnt —\n", style="bold")
    for part, style in spans:
        shown = tokenizer.decode(part, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        marked = f"⟦{shown}⟧" if style == "green" and not colours else shown
        text.append(marked, style=style)
    return text.append("\n")


def _counts(config: TrainConfig, samples: Samples) -> Table:
    table = Table("split", "pairs", "kept", "left out", "cut", "tokens (mean)", "learnt", title="Pairs")
    for split, kept in (("train", samples.train), ("validation", samples.validation)):
        lengths = [len(ids) for ids in kept["input_ids"]]
        learnt = sum(lengths) - sum(kept["prompt_length"])
        table.add_row(
            split,
            str(samples.manifest["splits"][split]["pairs"]),
            str(len(kept)),
            str(sum(r["split"] == split for r in samples.dropped)),
            str(sum(r["split"] == split for r in samples.truncated)),
            f"{statistics.mean(lengths):.0f}" if lengths else "–",
            f"{learnt / sum(lengths):.0%}" if lengths else "–",
        )
    table.caption = f"at most {config.max_tokens} tokens; all start with the same {samples.prefix}"
    return table


def _histogram(lengths: list[int]) -> Table:
    low, high = min(lengths), max(lengths)
    width = max(1, -(-(high - low + 1) // BINS))
    counts = [0] * -(-(high - low + 1) // width)
    for length in lengths:
        counts[(length - low) // width] += 1
    table = Table("tokens", "samples", "", title="Lengths", box=None)
    for i, n in enumerate(counts):
        first = low + i * width
        table.add_row(f"{first}–{first + width - 1}", str(n), "█" * round(40 * n / max(counts)))
    return table
