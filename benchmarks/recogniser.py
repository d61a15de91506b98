"""Names found, and letters masked for nothing, in styles and by authors from which nothing was learnt.

    .venv/bin/python benchmarks/recogniser.py [--folds 0 2 4] [--sentences 24000] [--epochs 2] [--blind] [--show 20]

The styles of the carriers are dealt to five folds. For each, a recogniser learns from the other styles, and reads the
fold's sentences with names that it never met: frequent in France, any of INSEE's, of other origins, on no list. A name
counts as found when each of its letters is masked. `--blind` leaves the network without what is known of words. About
two minutes of processor time a fold.
"""

import argparse
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from plume.command import say
from plume.corpus.gold import share
from plume.french import insee
from plume.french.vocabulary import rows
from plume.paths import ROOT
from plume.pseudonymise import Pseudonymiser
from plume.pseudonymise.recogniser import sentences, training
from plume.pseudonymise.recogniser.ner import pipeline, recogniser_of
from plume.pseudonymise.recogniser.sentences import Carrier, Labelled, Names

_FOLDS = 5
_MARKS = sentences.LABELS | {"B": "KEEP", "T": "OTHER", "#": "OTHER"}


def folds() -> list[list[str]]:
    """The styles of each fold."""
    styles = sorted({carrier.style for carrier in sentences.carriers()})
    random.Random(3).shuffle(styles)  # noqa: S311
    return [styles[number::_FOLDS] for number in range(_FOLDS)]


def people() -> dict[str, Names]:
    """The names to be found, by kind; none of them is learnt."""
    unlisted: dict[str, list[str]] = {"first": [], "last": []}
    for row in rows("names_on_no_list", ROOT / "benchmarks"):
        if insee.spaced(row["name"]) not in insee.known_names():
            unlisted[row["kind"]].append(row["name"])
    origins = sentences.names_by_origin(1).values()
    return {
        "French names": sentences.names(1, least_first=5000, least_last=3000),
        "INSEE's names": sentences.names(1),
        "names of other origins": tuple([n for names in origins for n in names[kind]] for kind in (0, 1)),
        "names on no list": (unlisted["first"], unlisted["last"]),
    }


def written(among: Sequence[Carrier], names: Names, count: int, seed: int) -> Iterator[Labelled]:
    draw = random.Random(seed)  # noqa: S311
    fill = sentences.Filling(draw, [(1.0, names)], sentences.words_that_are_names(1)).marks
    for _ in range(count):
        text, spans = sentences.fill_in(sentences.chosen(draw.choice(among).text, draw), fill, _MARKS)
        case = draw.random()
        yield (text.lower() if case < 0.3 else sentences.same_length_upper(text) if case < 0.4 else text), spans


def test_sets(among: Sequence[Carrier], count: int) -> dict[str, list[Labelled]]:
    """Labelled sentences by what they measure."""
    named = [carrier for carrier in among if carrier.has_names]
    alone = [carrier for carrier in named if not set("NFRIV") & set(sentences.marks_of(carrier.text))]
    clean = [carrier for carrier in among if not carrier.has_names]
    kinds = people()
    found = {kind: list(written(named, names, count, 11 + i)) for i, (kind, names) in enumerate(kinds.items())}
    found["first names alone"] = list(written(alone, kinds["INSEE's names"], count, 21))
    return found | {"sentences without names": list(written(clean, kinds["French names"], 2 * count, 22))}


def measure(pseudonymiser: Pseudonymiser, sets: dict[str, list[Labelled]], tally: dict, missed: list) -> None:
    """Add what is found and what is masked for nothing to `tally`, [hits, n] by what they are of."""

    def count(key: str, hits: int, n: int = 1) -> None:
        tally[key][0] += hits
        tally[key][1] += n

    for kind, labelled in sets.items():
        clean = kind == "sentences without names"
        for (text, spans), found in zip(labelled, pseudonymiser.find_many([t for t, _ in labelled]), strict=True):
            masked = {i for span in found for i in range(span.start, span.end)}
            meant = {i for start, end, label in spans if label != "KEEP" for i in range(start, end)}
            outside = [i for i, char in enumerate(text) if char.isalnum() and i not in meant]
            count("letters outside, " + ("no name there" if clean else "a name there"), 0, len(outside))
            count("letters outside, " + ("no name there" if clean else "a name there"), len(masked & set(outside)), 0)
            if clean:
                count(kind + " that are touched", not masked.isdisjoint(outside))
            for start, end, label in spans:
                whole = all(i in masked for i in range(start, end) if text[i].isalnum())
                if label == "PER":
                    count(kind, whole)
                    missed += [] if whole else [(kind, text, text[start:end])]
                elif label == "KEEP":
                    count("bodies touched", not masked.isdisjoint(range(start, end)))


def taught(among: Sequence[Carrier], settings: dict, *, blind: bool) -> Pseudonymiser:
    """A pseudonymiser whose recogniser learnt from some carriers alone."""
    nlp, frequencies, lexicon = pipeline()
    if blind:
        lexicon.of = lambda doc: np.zeros((len(doc), lexicon.width), dtype="float32")
    learnt, seed = sentences.learnt_people(settings["seed"]), settings["seed"]
    texts = sentences.written(settings["sentences"], among, learnt, sentences.words_that_are_names(0), seed=seed)
    training.train(nlp, frequencies, texts, settings)
    return Pseudonymiser(recogniser_of(nlp, frequencies))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, nargs="+", default=range(_FOLDS))
    parser.add_argument("--sentences", type=int, default=24_000, help="to learn from, a fold")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--per-set", type=int, default=500, help="sentences to read, a fold and kind of names")
    parser.add_argument("--blind", action="store_true")
    parser.add_argument("--show", type=int, default=0, help="print so many missed names")
    arguments = parser.parse_args()
    settings = training.SETTINGS | {"sentences": arguments.sentences, "epochs": arguments.epochs}
    tally: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    missed: list[tuple[str, str, str]] = []
    for number in arguments.folds:
        held = folds()[number]
        learnt = [carrier for carrier in sentences.carriers() if carrier.style not in held]
        sets = test_sets([carrier for carrier in sentences.carriers() if carrier.style in held], arguments.per_set)
        measure(taught(learnt, settings, blind=arguments.blind), sets, tally, missed)
        say(f"fold {number}: {', '.join(held)}")
    for key, (hits, n) in sorted(tally.items()):
        its = share(hits, n)
        interval = "" if key.startswith("letters") else f" [{its['lower']:.3f}, {its['upper']:.3f}]"
        say(f"{key:44}{hits:>7}/{n:<7}{hits / n:.4f}{interval}")
    for kind, text, name in random.Random(1).sample(missed, min(arguments.show, len(missed))):  # noqa: S311
        say(f"  {kind}: {name!r} in {text!r}")


if __name__ == "__main__":
    main()
