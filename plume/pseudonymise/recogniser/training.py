"""Trains the recogniser on invented sentences and writes its weights, which this repository ships.

    python -m plume.pseudonymise.recogniser.training          (make recogniser)

Out of the box `fr_core_news_md` knows newspapers: it misses names in turns of phrase that citizens and agents use.
Everything is drawn from a seed, but sums of two runs differ in their last bits. `weights.json` says what the weights
were made of; a test compares it with the data of the repository.
"""

import json
import random
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from plume.command import progress, say
from plume.files import file_sha256, sha256
from plume.french import insee
from plume.pseudonymise.names import LISTS
from plume.pseudonymise.recogniser import network, sentences
from plume.pseudonymise.recogniser.ner import MODEL, pipeline, sentence_places
from plume.pseudonymise.recogniser.word_frequencies import Frequencies

SETTINGS = {"sentences": 50_000, "epochs": 3, "batch": 32, "drop": 0.2, "dimmed": 0.15, "seed": 20231005}
CARD = Path(__file__).parent / "weights.json"


def made_of() -> dict[str, object]:
    """What the weights depend on, for the card; a public body more or less is no reason to train anew."""
    lists = (LISTS / "names_by_origin.tsv", LISTS / "names_that_are_words.txt")
    files = [*sorted(sentences.CARRIERS.glob("*.txt")), *lists]
    return {
        "model": f"{MODEL} {version(MODEL.replace('_', '-'))}",
        "insee": insee.digest()[:16],
        "sentences": sha256("".join([*map(file_sha256, files), *sentences.things()]).encode())[:16],
        "settings": SETTINGS,
    }


def train(nlp: Any, frequencies: Frequencies, labelled: Iterable[sentences.Labelled], settings: dict) -> None:
    """Teach a pipeline's recogniser some labelled sentences, in the case that `frequencies` finds likely."""
    import spacy.util
    from spacy.training import Example

    spacy.util.fix_random_seed(settings["seed"])
    draw = random.Random(settings["seed"])  # noqa: S311
    examples = []
    for text, spans in _one_by_one(labelled):
        copy = frequencies.true_case(text)
        if spans and draw.random() < settings["dimmed"]:
            copy = _dim(copy, draw.choice(spans))
        doc, reference = (network.as_written(nlp.make_doc(copy), text) for _ in range(2))
        found = (reference.char_span(*span, alignment_mode="expand") for span in spans)
        reference.set_ents(spacy.util.filter_spans([span for span in found if span is not None]))
        examples.append(Example(doc, reference))
    optimizer = nlp.resume_training()
    with nlp.select_pipes(enable=["ner"]), progress() as bar:
        task = bar.add_task("names: training the recogniser", total=settings["epochs"] * len(examples))
        for _ in range(settings["epochs"]):
            draw.shuffle(examples)
            for batch in spacy.util.minibatch(examples, settings["batch"]):
                nlp.update(batch, sgd=optimizer, drop=settings["drop"])
                bar.advance(task, len(batch))


def _one_by_one(labelled: Iterable[sentences.Labelled]) -> Iterator[sentences.Labelled]:
    """The sentences of labelled texts, as the recogniser will be given them."""
    for text, spans in labelled:
        for begin, stop in sentence_places(text):
            inside = [(s - begin, e - begin, label) for s, e, label in spans if begin <= s and e <= stop]
            yield text[begin:stop], inside


def _dim(text: str, span: tuple[int, int, str]) -> str:
    """The text with the first word of a name in lower case: a word that was taken for a usual one, "hui Zheng"."""
    start, end, _ = span
    end = start + len(text[start:end].split(" ")[0])
    lower = text[start:end].lower()
    return text[:start] + lower + text[end:] if len(lower) == end - start else text


def main() -> None:
    nlp, frequencies, _ = pipeline()
    train(nlp, frequencies, sentences.sentences(SETTINGS["sentences"], seed=SETTINGS["seed"]), SETTINGS)
    network.save(nlp.get_pipe("ner").model, network.WEIGHTS)
    CARD.write_text(json.dumps(made_of() | {"weights": network.digest()}, indent=1) + "\n", encoding="utf-8")
    say(f"names: wrote {network.WEIGHTS}")


if __name__ == "__main__":
    main()
