"""Measure how well the passages of a sources folder are found for reviews, and how fast; learn the weights anew.

    .venv/bin/python benchmarks/sources.py FOLDER PAIRS… [--fit] [--latency N]
    .venv/bin/python benchmarks/sources.py FOLDER --sample DATASET

PAIRS are files of hand-made pairs, one author a file: {"id", "network", "structure", "title", "review", "sheets",
"kind": "on"|"off"}; `sheets` are the right ones, none if no sheet helps. Recall@k: a right sheet is among the first k
sheets, with the threshold and without. Silence: share of the reviews that no sheet helps for which nothing is found;
also with the right sheets left out, and in folders of few sheets. --sample: what the sheets that ship (FOLDER) show to
the pairs of the sample export (DATASET), by the labels of datasets/gold/sources/sample.jsonl.

--fit writes plume/sources/weights.json and vocabulary/rarity.tsv, after saying what weights of the other authors reach
on each. Each review counts posed to the whole folder, to it without its right sheets, and to folders of few sheets:
what is learnt is whether the nearest sheet is right, whatever else a folder holds. One that no sheet helps counts more,
and once more joined with another one: such reviews happen to be shorter, and length alone must not tell them. One that
a sheet helps counts a tenth more as if it asked nothing: nearly all that were written do. --latency N times `find` over
N passages, made of the folder's by shuffling words. Same data, same bytes.
"""

import argparse
import json
import os
import platform
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.stats import binomtest

from plume.command import say
from plume.files import file_sha256, read_jsonl
from plume.sources import folder as sources_folder
from plume.sources import wants
from plume.sources.find import Finder, by_sheet
from plume.sources.index import EVIDENCE, FEATURES, WANTED, WEIGHTS, Asked, Index, Weights, joined, log_likely, shipped
from plume.sources.terms import SHEETS, VOCABULARY, terms_of

SPLITS = ("train", "validation", "test")
LABELS = Path("datasets/gold/sources/sample.jsonl")  # of the sample export's pairs, for the sheets that ship
SEED, TIMED = 23, 2000
RECALL = 0.895  # at 5, of an author whose pairs were not learnt from: as silent as that allows
RIDGE, EVIDENCE_RIDGE, WANTS_RIDGE = 0.02, 0.003, 0.003
FEW, OF_EACH = (12, 24, 48, 70), 8  # sheets of a small folder, and how many such folders
OF_NETWORK = slice(3, 5)  # of FEATURES
WHOLE, OFF = 8.0, 3  # what a pair counts that is posed to all sheets; and one that no sheet helps
BY_HAND = {"within": 5.0, "passage": 0.5, "second": 2.0}  # chosen from a grid: recall in three passages, few wrong ones
OPEN = {"threshold": -float("inf"), "within": float("inf")}  # no threshold

Pair = dict[str, Any]


def read_pairs(paths: Sequence[Path]) -> list[Pair]:
    """Read all pairs; `author` is the number of their file."""
    return [{**row, "author": at} for at, path in enumerate(paths) for row in read_jsonl(path, needs=("id", "sheets"))]


def first_sheets(finder: Finder, pair: Pair, k: int) -> list[str]:
    """Give the first k sheets of what is found; of each, two passages at most come."""
    return list(dict.fromkeys(passage["sheet"] for passage in finder.find(pair, 2 * k)))[:k]


def share(hits: Sequence[bool]) -> str:
    """Write a share with its exact interval."""
    interval = binomtest(sum(hits), len(hits)).proportion_ci(method="exact")
    return f"{sum(hits) / len(hits):.3f} [{interval.low:.3f}; {interval.high:.3f}] (n = {len(hits)})"


def report(passages: list, pairs: list[Pair], weights: Weights, name: str) -> None:
    """Say what weights reach on pairs."""
    on, off = ([pair for pair in pairs if bool(pair["sheets"]) is wanted] for wanted in (True, False))
    sure, whole = Finder(passages, weights), Finder(passages, weights._replace(**OPEN))
    if on:
        shown = [first_sheets(sure, pair, 5) for pair in on]
        ranked = [first_sheets(whole, pair, 5) for pair in on]
        prompts = [{passage["sheet"] for passage in sure.find(pair, 3)} for pair in on]
        for k in (1, 3, 5):
            say(f"{name}: recall@{k} {share([_hits(p, s[:k]) for p, s in zip(on, shown, strict=True)])}")
            say(f"{name}: without threshold {share([_hits(p, s[:k]) for p, s in zip(on, ranked, strict=True)])}")
        say(f"{name}: in a prompt's passages {share([_hits(p, s) for p, s in zip(on, prompts, strict=True)])}")
    if off:
        say(f"{name}: silence {share([not sure.find(pair, 1) for pair in off])}")


def report_missing(passages: list, pairs: list[Pair], weights: Weights, name: str) -> None:
    """Say how often nothing is found where the right sheets are not in the folder, and in folders of few sheets."""
    on, finder = [pair for pair in pairs if pair["sheets"]], Finder(passages, weights)
    silent = [not finder.find(pair, 1, drop=[p["id"] for p in passages if p["sheet"] in pair["sheets"]]) for pair in on]
    say(f"{name}: silence without the right sheets {share(silent)}")
    ids, draw = sorted({passage["sheet"] for passage in passages}), random.Random(SEED)  # noqa: S311 - nothing is secret
    for few in FEW[:3]:
        told: dict[str, list[bool]] = {"silence off topic": [], "silence without the sheet": [], "recall@5": []}
        for _ in range(OF_EACH):
            held = {*draw.sample(ids, few)}
            small = Finder([passage for passage in passages if passage["sheet"] in held], weights)
            for pair in pairs:
                found, right = first_sheets(small, pair, 5), held.intersection(pair["sheets"])
                if right:
                    told["recall@5"].append(not right.isdisjoint(found))
                else:
                    told[f"silence {'without the sheet' if pair['sheets'] else 'off topic'}"].append(not found)
        counts = "; ".join(f"{what} {np.mean(hits):.3f} ({len(hits)})" for what, hits in told.items())
        say(f"{name}: {OF_EACH} folders of {few} sheets: {counts}")


def report_sample(passages: list, dataset: Path, labels: Path) -> None:
    """Say what is shown to the pairs of a dataset, by labels of the right sheets and of those that may be shown."""
    rows = [row for path in sorted(dataset.glob("*.jsonl")) if path.stem in SPLITS for row in read_jsonl(path)]
    named, finder = {row["id"]: row for row in read_jsonl(labels)}, Finder(passages)
    found = [(named[row["id"]], {passage["sheet"] for passage in finder.find(row, 3)}) for row in rows]
    good = [len(shown.intersection([*told["sheets"], *told["may"]])) for told, shown in found]
    say(f"pairs that something is shown to: {share([bool(shown) for _, shown in found])}")
    say(f"of these, a right one among it: {share([n > 0 for n, (_, s) in zip(good, found, strict=True) if s])}")
    say(f"sheets shown: {sum(len(shown) for _, shown in found)}, right {sum(good)}")
    none = [not shown for told, shown in found if not told["sheets"] and not told["may"]]
    say(f"silence where no sheet helps: {share(none)}")
    hits = [not shown.isdisjoint(told["sheets"]) for told, shown in found if told["sheets"]]
    say(f"a right sheet is shown where there is one: {share(hits)}")


def _hits(pair: Pair, sheets: Sequence[str] | set[str]) -> bool:
    return not set(pair["sheets"]).isdisjoint(sheets)


class Learner:
    """What all pairs share with all sheets, from which weights are learnt: the same whichever sheets a folder has."""

    def __init__(self, passages: list, pairs: list[Pair]) -> None:
        sheets = by_sheet(passages)
        self.ids, self.index = [passages[0]["sheet"] for passages in sheets], Index(sheets)
        self.pairs = [*pairs, *_joined(pairs)]
        self.texts = [joined([pair.get("title"), pair["review"]]) for pair in self.pairs]
        asked = [Asked.of(pair) for pair in self.pairs]
        self.features = np.array([self.index.features(one) for one in asked])
        self.values = np.array([[self.index.evidence(one, at, 0) for at in range(len(sheets))] for one in asked])
        self.right = np.array([[sheet in pair["sheets"] for sheet in self.ids] for pair in self.pairs])
        self.on, self.joined = self.right.any(1), np.array([pair["id"] == "joined" for pair in self.pairs])
        self.spread = self.features.reshape(-1, len(FEATURES)).std(0)
        self.folders = _folders(len(sheets))

    def ranking(self, learnt: np.ndarray) -> np.ndarray:
        """Learn the weights of FEATURES: a softmax over all sheets, on the pairs that have a right one."""
        x, y = self.features[learnt & self.on] / self.spread, self.right[learnt & self.on]
        y = y / y.sum(1, keepdims=True)

        def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
            scores = x @ w
            likely = np.exp(scores - scores.max(1, keepdims=True))
            likely /= likely.sum(1, keepdims=True)
            slope = ((likely - y)[:, :, None] * x).sum(1).mean(0)
            return -(y * np.log(likely + 1e-12)).sum(1).mean() + RIDGE * (w @ w), slope + 2 * RIDGE * w

        return minimize(loss, np.zeros(len(FEATURES)), jac=True, method="L-BFGS-B").x / self.spread

    def evidence(self, scores: np.ndarray, folder: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the values of EVIDENCE of each pair's nearest sheet in its folder, and whether it is a right one."""
        each, nearest = np.arange(len(scores)), np.where(folder, scores, -np.inf).argmax(1)
        values = self.values[each, nearest]
        values[:, EVIDENCE.index("score")] = scores[each, nearest]
        return values, self.right[each, nearest]

    def silence(self, ranking: np.ndarray, learnt: np.ndarray) -> np.ndarray:
        """Learn the weights of EVIDENCE and the bias: a logistic regression on whether the nearest sheet is right.

        Each pair is posed to the whole folder, to it without its right sheets, and to some folders of few sheets; and
        as if no network were named: most official sheets name none.
        """
        scores = self.features @ ranking
        nameless = scores - self.features[:, :, OF_NETWORK] @ ranking[OF_NETWORK]
        posed = [(WHOLE, np.ones_like(self.right)), (WHOLE, ~self.right), *((1.0, folder) for folder in self.folders)]
        told = [
            (*self.evidence(told, np.broadcast_to(folder, self.right.shape)), counts)
            for counts, folder in posed
            for told in (scores, nameless)
        ]
        x = np.vstack([values[learnt] for values, _, _ in told])
        y = np.concatenate([right[learnt] for _, right, _ in told]).astype(float)
        counted = np.concatenate([counts * np.where(self.on, 1, OFF)[learnt] for *_, counts in told])
        counted[y == 1] *= counted[y == 0].sum() / counted[y == 1].sum()
        return _logistic(x, y, counted / counted.sum())

    def weights(self, learnt: np.ndarray, threshold: float) -> Weights:
        """Learn all weights but those of terms from some pairs."""
        ranking = self.ranking(learnt)
        *evidence, bias = (round(float(w), 4) for w in self.silence(ranking, learnt))
        features = {name: round(float(w), 4) for name, w in zip(FEATURES, ranking, strict=True)}
        evidence = dict(zip(EVIDENCE, evidence, strict=True))
        return Weights(features, evidence, bias, round(threshold, 4), **BY_HAND)

    def told(self, learnt: np.ndarray) -> np.ndarray:
        """Weigh the evidence of every pair by weights learnt from some; nothing if a right sheet is not among five."""
        ranking = self.ranking(learnt)
        scores, weights = self.features @ ranking, self.silence(ranking, learnt)
        values, _ = self.evidence(scores, np.ones_like(self.right))
        best = np.where(self.right, scores, -np.inf).max(1)
        far = self.on & ((scores > best[:, None]).sum(1) >= 5)
        weights_of_terms = self.wants(learnt)
        wanted = np.array([wants.weigh_with(weights_of_terms, text) for text in self.texts])
        told = log_likely(values @ weights[:-1] + weights[-1]) + WANTED * log_likely(wanted)
        return np.where(far, -np.inf, told)

    def wants(self, learnt: np.ndarray) -> dict[str, float]:
        """Learn the weights of terms: a logistic regression on whether any sheet helps. Joined reviews are left out."""
        used = np.flatnonzero(learnt & ~self.joined)
        titled = [at for at in used if self.pairs[at].get("title")]  # a review may be as short as its title
        said = [
            wants.terms(text)
            for text in [*(self.texts[at] for at in used), *(self.pairs[at]["title"] for at in titled)]
        ]
        y = self.on[[*used, *titled]]
        held = Counter(term for one in said for term in one)
        names = sorted(term for term, n in held.items() if n > 1)
        number = {term: at for at, term in enumerate(names)}
        x = np.zeros((len(said), len(names)))
        for row, one in zip(x, said, strict=True):
            row[[number[term] for term in one if term in number]] = 1 / np.sqrt(max(len(one), 1))
        counted = np.where(y, 1 / y.sum(), 1 / (~y).sum())

        def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
            told = x @ w[:-1] + w[-1]
            slope = counted * (1 / (1 + np.exp(-told)) - y)
            ridge = WANTS_RIDGE * np.r_[w[:-1], 0]
            return counted @ (np.logaddexp(0, told) - y * told) + ridge @ w, np.r_[x.T @ slope, slope.sum()] + 2 * ridge

        w = minimize(loss, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B").x
        return {wants.BIAS: round(float(w[-1]), 3), **dict(zip(names, w[:-1].round(3).tolist(), strict=True))}


def _folders(sheets: int) -> list[np.ndarray]:
    """Draw some folders of few sheets."""
    draw = np.random.default_rng(SEED)
    return [
        np.isin(np.arange(sheets), draw.choice(sheets, few, replace=False))
        for few in FEW
        for _ in range(OF_EACH)
        if few < sheets
    ]


def _logistic(values: np.ndarray, y: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Give the weights of a logistic regression, the bias last."""
    mean, spread = values.mean(0), values.std(0) + 1e-9
    x = np.column_stack([(values - mean) / spread, np.ones(len(values))])

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        told = x @ w
        slope = x.T @ (counted * (1 / (1 + np.exp(-told)) - y))
        ridge = EVIDENCE_RIDGE * np.r_[w[:-1], 0]
        return counted @ (np.logaddexp(0, told) - y * told) + ridge @ w, slope + 2 * ridge

    w = minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x
    weights = w[:-1] / spread
    return np.r_[weights, w[-1] - weights @ mean]


def _joined(pairs: list[Pair]) -> list[Pair]:
    """Join each off-topic review with another of its author."""
    draw, made = random.Random(SEED), []  # noqa: S311 - nothing is secret
    for author in sorted({pair["author"] for pair in pairs}):
        off = [pair for pair in pairs if pair["author"] == author and not pair["sheets"]]
        for at, pair in enumerate(off):
            other = off[(at + draw.randrange(1, len(off))) % len(off)] if len(off) > 1 else pair
            made.append({**pair, "id": "joined", "review": f"{pair['review']} {other['review']}"})
    return made


def count_terms(passages: list) -> None:
    """Write how many sheets hold each term that more than one holds: what `rarity` reads."""
    sheets = by_sheet(passages)
    if len(sheets) != SHEETS:
        raise SystemExit(f"plume.sources.terms.SHEETS is {SHEETS}: {len(sheets)} sheets are counted")
    read = [terms_of(" . ".join([p[0]["title"], *(t for q in p for t in (*q["where"], q["text"]))])) for p in sheets]
    counts = Counter(term for terms in read for term in {*terms.stems, *terms.kinds})
    lines = [f"{term}\t{n}" for term, n in sorted(counts.items()) if n > 1]
    source = f"# Source: made by benchmarks/sources.py --fit from the {SHEETS} invented sheets of datasets/gold/sources"
    (VOCABULARY / "rarity.tsv").write_text("\n".join([source, "term\tsheets", *lines, ""]), encoding="utf-8")


def fit(passages: list, pairs: list[Pair], paths: Sequence[Path]) -> Weights:
    """Learn weights from all pairs; say first what those of the other authors reach."""
    count_terms(passages)
    learner = Learner(passages, pairs)
    author = np.array([pair["author"] for pair in learner.pairs])
    off = ~learner.on & ~learner.joined
    held = np.zeros(len(author))
    for one in np.unique(author):
        held[author == one] = learner.told(author != one)[author == one]
    threshold = float(np.quantile(held[learner.on], 1 - RECALL, method="lower"))
    named = np.array([bool(pair.get("network")) for pair in learner.pairs])
    for one in np.unique(author):
        for what, of in (("", author == one), (", no network named", (author == one) & ~named)):
            recall, silence = held[of & learner.on] >= threshold, held[of & off] < threshold
            say(f"author {one + 1}, unseen{what}: recall@5 {share(recall)}, silence {share(silence)}")
    every = np.ones(len(author), bool)
    weights = learner.weights(every, threshold)
    lines = [f"{term}\t{weight:g}" for term, weight in learner.wants(every).items() if weight or term == wants.BIAS]
    source = f"# Source: made by benchmarks/sources.py --fit from {', '.join(path.name for path in paths)}"
    (VOCABULARY / "wants.tsv").write_text("\n".join([source, "term\tweight", *lines, ""]), encoding="utf-8")
    made = {
        "made_by": "benchmarks/sources.py --fit",
        "of": {path.name: file_sha256(path)[:16] for path in paths},
        "pairs": {"on": int(learner.on.sum()), "off": int(off.sum())},
    }
    WEIGHTS.write_text(json.dumps(made | weights._asdict(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return weights


def many(passages: list, wanted: int) -> list:
    """Make so many passages of a folder's, by shuffling the words of its sheets."""
    draw, made = random.Random(SEED), list(passages)  # noqa: S311 - nothing is secret
    while len(made) < wanted:
        for passage in passages[: wanted - len(made)]:
            sheet = f"{passage['sheet']}-{len(made) // len(passages)}"
            words = passage["text"].split()
            draw.shuffle(words)
            number = passage["id"].rpartition("#")[2]
            made.append({**passage, "id": f"{sheet}#{number}", "sheet": sheet, "text": " ".join(words)})
    return made


def latency(passages: list, pairs: list[Pair], wanted: int) -> None:
    """Time `find` over so many passages."""
    finder = Finder(many(passages, wanted))
    begun = time.perf_counter()
    finder.prepare()
    ready, took, computed = time.perf_counter() - begun, [], []
    for at in range(TIMED):
        case = pairs[at % len(pairs)] | {"review": f"{pairs[at % len(pairs)]['review']} {at}"}  # no text twice
        begun, used = time.perf_counter(), time.thread_time()
        finder.find(case, 3)
        took.append(1000 * (time.perf_counter() - begun))
        computed.append(1000 * (time.thread_time() - used))
    (p50, p99), (cpu50, cpu99) = np.percentile(took, (50, 99)), np.percentile(computed, (50, 99))
    say(
        f"{wanted} passages, {TIMED} reviews: p50 {p50:.1f} ms, p99 {p99:.1f} ms, at most {max(took):.1f} ms; "
        f"computing p50 {cpu50:.1f} ms, p99 {cpu99:.1f} ms; "
        f"index made in {ready:.1f} s; {platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("pairs", type=Path, nargs="*")
    parser.add_argument("--fit", action="store_true", help="learn the weights anew and write them")
    parser.add_argument("--latency", type=int, default=0, metavar="N", help="time find() over N passages")
    parser.add_argument("--sample", type=Path, metavar="DATASET", help="a dataset of the sample export, see LABELS")
    arguments = parser.parse_args()
    passages, pairs = sources_folder.read(arguments.folder), read_pairs(arguments.pairs)
    if arguments.fit:
        fit(passages, pairs, arguments.pairs)
        shipped.cache_clear()
        wants.shipped.cache_clear()
    if pairs:
        report(passages, pairs, shipped(), "all")
        report_missing(passages, pairs, shipped(), "all")
    if arguments.sample:
        report_sample(passages, arguments.sample, LABELS)
    if arguments.latency:
        latency(passages, pairs, arguments.latency)


if __name__ == "__main__":
    main()
