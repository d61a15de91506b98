"""What fits which card: the largest micro-batch, recompute, QLoRA last; and what recipes say of cards."""

import re

import pytest
from rich.console import Console

import datasets
from plume.paths import ROOT
from train.cards import CARDS, FLOOR, Fitting
from train.estimate_tables import print_estimate
from train.samples import Samples

PILOT = ROOT / "configs/train/openhermes2-lora.yaml"
RECIPES = sorted((ROOT / "configs/train").glob("*.yaml"))


@pytest.fixture(scope="module")
def on_gpus(seven_billion):
    """The pilot's recipe on Mistral 7B's shape, all left to the card."""
    return Fitting(*seven_billion(PILOT), "cuda")


def test_a_choice_fits_and_the_next_larger_does_not(on_gpus):
    for memory in CARDS:
        choice = on_gpus.best(memory)
        size, way = choice.config.micro_batch_tokens, {"recompute": choice.config.recompute, "qlora": False}
        assert choice.footprint.needed <= memory
        if size != on_gpus.sizes[-1]:
            larger = on_gpus.sizes[on_gpus.sizes.index(size) + 1]
            assert on_gpus.of(larger, **way).footprint.needed > memory


def test_what_just_fits_is_found_where_samples_are_long(tiny):
    """Of long samples few sizes are filled: 4096 tokens may hold no more than 3072 do."""
    rows = [{"input_ids": [1] * 264 + [2 + i] * 1300, "prompt_length": 1000} for i in range(8)]
    samples = Samples(datasets.Dataset.from_list(rows), datasets.Dataset.from_list(rows[:1]), [], [], {}, {})
    config, _ = tiny(micro_batch_tokens="auto", max_tokens=2048)
    fitting = Fitting(config, samples, "cuda")
    for size in fitting.sizes:
        wanted = fitting.of(size, recompute=False, qlora=False).footprint
        found = fitting.largest(wanted.needed, recompute=False, qlora=False)
        assert found.footprint.worst_tokens == wanted.worst_tokens, size


def test_more_memory_is_never_worse(on_gpus):
    choices = [on_gpus.best(memory) for memory in CARDS]
    assert [c.config.recompute for c in choices] == sorted((c.config.recompute for c in choices), reverse=True)
    kept = [c.config.micro_batch_tokens for c in choices if not c.config.recompute]
    assert kept == sorted(kept)
    assert min(kept) >= FLOOR


def test_where_the_weights_alone_do_not_fit_four_bits_do(on_gpus):
    choice = on_gpus.best(12e9)
    assert choice.config.lora.qlora
    assert choice.footprint.needed <= 12e9 < on_gpus.of(2048, recompute=True, qlora=False).footprint.needed
    assert on_gpus.best(4e9) is None
    assert on_gpus.auto(12e9) is None  # QLoRA is another model: never chosen unasked


def test_what_the_config_sets_is_not_chosen_anew(tiny):
    fixed = Fitting(*tiny(micro_batch_tokens=1024, recompute="auto"), "cuda")
    kept, again = (fixed.of(1024, recompute=recompute, qlora=False).footprint.needed for recompute in (False, True))
    chosen = [fixed.auto(memory) for memory in (kept, kept - 1, again - 1)]
    assert [choice and choice.config.recompute for choice in chosen] == [False, True, None]
    never = Fitting(*tiny(micro_batch_tokens="auto", recompute=False, max_tokens=256), "cuda")
    least = never.of(256, recompute=False, qlora=False).footprint.needed
    assert never.auto(least).config.micro_batch_tokens == 256
    assert never.auto(least - 1) is None


def test_the_table_says_of_each_card_whether_and_how_it_fits(tiny, capsys):
    config, samples = tiny(micro_batch_tokens=1024, dtype="bfloat16")
    print_estimate(config, samples, None, Console(width=200))
    told = capsys.readouterr().out
    for card in ("24 GB (22.4 GiB)", "48 GB (44.7 GiB)", "80 GB (74.5 GiB)", "141 GB (131.3 GiB)"):
        assert re.search(rf"{re.escape(card)} +│ +\d+ +│ false +│ bfloat16 +│ +[\d.]+ +│ +[\d.]+ min \(", told), card
    assert re.search(
        r"as written \(micro_batch_tokens=1024, recompute=false\): [\d.]+ GiB of a GPU; "
        "fits cards of 24, 48, 80, 141 GB",
        told,
    )


def test_no_time_is_told_of_float32_without_a_speed(tiny, capsys):
    print_estimate(*tiny(micro_batch_tokens=1024), None, Console(width=200))
    rows = [line for line in capsys.readouterr().out.splitlines() if "GiB) " in line]
    assert len(rows) == len(CARDS)
    assert all("not known" in row for row in rows)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.name)
def test_what_a_recipe_says_of_cards_is_true(recipe, on_gpus):
    """A header names cards as `24 GB: 8192 tokens, recomputed, 21 GiB` or `48 GB: 3072 tokens, kept, 39 GiB`."""
    header = "".join(line for line in recipe.read_text().splitlines(keepends=True) if line.startswith("#"))
    claims = re.findall(r"(\d+) GB: (\d+) tokens, (recomputed|kept), (\d+) GiB", header)
    if "GPU" in header:
        assert [float(claim[0]) * 1e9 for claim in claims] == list(CARDS), "the header names every card"
        assert recipe == PILOT
    for card, tokens, recomputed, gib in claims:
        choice = on_gpus.auto(float(card) * 1e9)
        assert choice.config.micro_batch_tokens == int(tokens), card
        assert choice.config.recompute is (recomputed == "recomputed"), card
        assert choice.footprint.needed / 2**30 == pytest.approx(float(gib), abs=0.5), card


def test_the_table_of_the_guide_is_what_is_estimated(on_gpus):
    guide = (ROOT / "docs/performance.md").read_text()
    rows = re.findall(r"\| (\d+) GB \| ([\d,]+).*?\| (yes|no) \| ([\d.]+) \|", guide)
    assert [float(row[0]) * 1e9 for row in rows] == list(CARDS)
    for card, tokens, recomputed, gib in rows:
        choice = on_gpus.auto(float(card) * 1e9)
        assert choice.config.micro_batch_tokens == int(tokens.replace(",", "")), card
        assert choice.config.recompute is (recomputed == "yes"), card
        assert choice.footprint.needed / 2**30 == pytest.approx(float(gib), abs=0.06), card
