"""Which language a text is in, by its small words: nine languages, no model, meant for short replies."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from plume.checks.case import VOCABULARY, Answer, Case, failed
from plume.french.text import fold, words
from plume.french.vocabulary import any_of, folded, rows

FRENCH = "français"
_NAMES = [row["language"] for row in rows("small_words", VOCABULARY)]  # French stands first
_LANGUAGES: dict[str, tuple[str, ...]] = {}  # of a small word
for _row in rows("small_words", VOCABULARY):
    for _word in _row["words"].split():
        _LANGUAGES[_word] = (*_LANGUAGES.get(_word, ()), _row["language"])
_FOREIGN_SENTENCE = 6  # words: from here on a sentence in another language is no quotation of a name
_WINDOW, _MARGIN = 10, 4  # a passage inside a French sentence: so many words, so many more small words than French has


class _Words(NamedTuple):
    sure: frozenset[str]
    doubtful: frozenset[str]
    phrases: tuple[str, ...]


_FOREIGN_WORDS = [
    _Words(
        frozenset(row["sure"].split()),
        frozenset(row["doubtful"].split()),
        tuple(filter(None, row["phrases"].split("|"))),
    )
    for row in rows("foreign_words", VOCABULARY)
]
_ECHO = 3  # words of a courtesy that is given back
_TAKEN_UP = 2  # words of the review that a sentence may take up without quotes
_BORROWED = re.compile(
    rf"\b{any_of(p for row in rows('foreign_words', VOCABULARY) for p in row['borrowed'].split('|') if p)}\b",
    re.IGNORECASE,
)
_NO_FRENCH_LETTER = re.compile("[äößñãõ¿¡ğışłąęćżźńś]")
_TOKEN_OR_SIGN = re.compile(r"[^\W\d_]+|[,;:.()!?]")
_UNKNOWN_RUN, _KNOWN = 5, 0.35  # words; of 13,000 sentences of sound drafts none has so few that replies use
_EVERYDAY, _REPLY_STEMS = folded("everyday"), folded("reply_stems", VOCABULARY)
_NEAR = 4  # words between two doubtful ones
_TOKEN = re.compile(r"[^\W\d_]+(?=\W|$)")
_NOT_LATIN = re.compile(r"[^\W\d_A-Za-zªº\u00b5-\u024f\u1e00-\u1eff\ufb00-\ufb06]")
QUOTED = re.compile(r"«[^«»]*»|\"[^\"]*\"|“[^“”]*”")


@lru_cache(maxsize=1)
def small_words() -> frozenset[str]:
    """Give the small words of French, folded."""
    return frozenset(fold(word) for word, names in _LANGUAGES.items() if FRENCH in names)


def _scores(tokens: Sequence[str]) -> dict[str, float]:
    """Count the small words of each language; a word with an accent of French is half a one."""
    scores = dict.fromkeys(_NAMES, 0.0)
    for token in tokens:
        for name, weight in _weights(token):
            scores[name] += weight
    return scores


@lru_cache(maxsize=1 << 14)
def _weights(token: str) -> tuple[tuple[str, float], ...]:
    """Give the languages that a word speaks for, and how much."""
    accent = ((FRENCH, 0.5),) if not _ACCENTS.isdisjoint(token) else ()
    return (*((name, 1.0) for name in _LANGUAGES.get(token, ())), *accent)


@lru_cache(maxsize=1 << 14)
def _for_french(token: str) -> float:
    return sum(weight for name, weight in _weights(token) if name == FRENCH)


_ACCENTS = frozenset("éèêëçœàùîôû")
_OTHERS = frozenset(word for word, names in _LANGUAGES.items() if names != (FRENCH,))


@lru_cache(maxsize=8)  # two checks ask for the language of one draft
def language(text: str) -> str | None:
    """Give the language whose small words cover most of the text; None without evidence or on a tie without French.

    Accents count: a word with one of French is half a small word, so that short texts without small words are told.
    """
    return _language(words(text))


def _language(tokens: Sequence[str]) -> str | None:
    french = sum(map(_for_french, tokens))
    if french and french >= sum(map(_OTHERS.__contains__, tokens)):
        return FRENCH  # no other language can have more
    scores = _scores(tokens)
    best = max(scores, key=lambda name: scores[name])  # French stands first: it wins a tie
    return best if scores[best] else None


def in_french(case: Case) -> Answer:
    """Check the whole draft, each sentence long enough to be told, and passages that no quotes mark."""
    found = language(case.draft)
    if found != FRENCH:
        return failed(f"langue : {found or 'indéterminée'}", "french.draft")
    if sum(len(_NOT_LATIN.findall(w)) for w in words(case.draft) if w not in case.reviewed_words) >= _FOREIGN_SENTENCE:
        return failed("passage dans un autre alphabet", "french.alphabet")
    for sentence, tokens in zip(case.sentences, case.spoken, strict=True):
        other = _language(tokens) if len(tokens) >= _FOREIGN_SENTENCE or _surely_foreign(tokens, case) else None
        if other not in (None, FRENCH):
            return failed(f"phrase en {other} : « {sentence} »", "french.sentence")
        if _is_unknown(sentence, case):
            return failed(f"phrase dans une autre langue : « {sentence} »", "french.unknown")
    if passage := _foreign_passage(case):
        return failed(f"passage étranger : « {passage} »", "french.passage")
    if word := _foreign_word(case):
        return failed(f"mots étrangers : « {word} »", "french.word")
    return Answer(True)


def _is_unknown(sentence: str, case: Case) -> bool:
    """Say whether no reply uses most words of a sentence, or five in a row; names are left out."""
    known, run = [], 0
    for i, word in enumerate(_TOKEN_OR_SIGN.findall(_BORROWED.sub(" ", QUOTED.sub(" ", sentence)))):
        if not word.isalpha():
            run = 0
        elif word.islower() or i == 0:
            known.append(word in case.reviewed_words or _is_of_replies(word))
            run = 0 if known[-1] else run + 1
            if run >= _UNKNOWN_RUN:
                return True
    return len(known) > _UNKNOWN_RUN and sum(known) <= _KNOWN * len(known)


@lru_cache(maxsize=1 << 14)
def _is_of_replies(word: str) -> bool:
    word = fold(word)
    return len(word) < 2 or word in small_words() or word in _EVERYDAY or word[:7] in _REPLY_STEMS


def _foreign_word(case: Case) -> str | None:
    """Give a word or two that no French text holds, outside quotations, names and what the review says so.

    A word that is written with a capital inside a sentence, or all in capitals, belongs to a name: "Welcome to France".
    """
    for sentence in case.sentences:
        tokens = [m[0] for m in _TOKEN.finditer(_BORROWED.sub(" ", QUOTED.sub(" ", sentence)))]
        low = [t.lower() if t.islower() or (i == 0 and t[1:].islower()) else "" for i, t in enumerate(tokens)]
        said = f" {' '.join(map(str.lower, tokens))} "
        if len(tokens) <= _ECHO and not case.reviewed_words.isdisjoint(low):
            continue  # a citizen who thanks in Spanish may be thanked so
        for row in _FOREIGN_WORDS:
            if found := next((p for p in row.phrases if f" {p} " in said and p not in case.reviewed), None):
                return found
            near = [i for i, word in enumerate(low) if word in row.doubtful]
            sure = [i for i, word in enumerate(low) if word in row.sure or _NO_FRENCH_LETTER.search(word)]
            if len(sure) <= _TAKEN_UP:
                sure = [i for i in sure if low[i] not in case.reviewed_words]
            pairs = [i for i, other in pairwise(near) if other - i <= _NEAR and low[i] != low[other]]
            for i in (*sure, *pairs):
                around = " ".join(map(str.lower, tokens[max(0, i - 1) : i + 2]))
                if around not in case.reviewed and not _in_name(tokens, i):
                    return around
    return None


def _in_name(tokens: Sequence[str], at: int) -> bool:
    """Say whether a word stands between two with a capital."""
    before, after = tokens[at - 1 : at], tokens[at + 1 : at + 2]
    return bool(at and before and after and before[0][0].isupper() and after[0][0].isupper() and at > 1)


def _surely_foreign(tokens: Sequence[str], case: Case) -> bool:
    """Recognise a short sentence of small words that are none of French, and no quotation of the review."""
    scores = _scores(tokens)
    return (
        len(tokens) >= 4 and not scores[FRENCH] and max(scores.values()) >= 3 and " ".join(tokens) not in case.reviewed
    )


def _foreign_passage(case: Case) -> str | None:
    """Give the first run of words that is far from French; quotations, and what the review says so, are left out."""
    tokens = words(QUOTED.sub(" ", case.draft))
    french = [_for_french(token) > 0 for token in tokens]
    counted = sum(french[:_WINDOW])
    for start in range(max(0, len(tokens) - _WINDOW) + 1):
        if start:
            counted += french[start + _WINDOW - 1] - french[start - 1]
        if counted > 2:
            continue
        window = tokens[start : start + _WINDOW]
        scores = _scores(window)
        best = max(scores, key=lambda name: scores[name])
        if scores[best] >= scores[FRENCH] + _MARGIN and " ".join(window[2:-2]) not in case.reviewed:
            return " ".join(window)
    return None
