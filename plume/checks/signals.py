"""What a good reply usually holds. Signals are reported and never gate: a human judges tone better than a pattern."""

import re

from plume.checks.case import VOCABULARY, Answer, Case, Fault, failed, none_of
from plume.french.text import count_plain, fold, words
from plume.french.vocabulary import folded

_THANKS = re.compile(r"\bmerci\b|\bremerci", re.IGNORECASE)
_REGRET = re.compile(r"désol|regrett|navr|excus|déplor|pardon|fâcheu", re.IGNORECASE)
_NEXT_STEP = re.compile(
    r"\bvous (?:pouvez|pourrez|avez la possibilité)\b"
    r"|\bnous vous (?:invitons|conseillons|recommandons|encourageons|suggérons)\b"
    r"|\bje vous (?:invite|conseille|recommande)\b|n'hésitez pas|\b(?:contactez|consultez|connectez-vous|adressez-vous|"
    r"rapprochez-vous|rendez-vous (?:sur|dans|à|en))\b|\bil (?:est possible|suffit|convient) d",
    re.IGNORECASE,
)
_TU = re.compile(r"\b(?:tu|te|toi|tes|ta|t')(?=\s|\b)", re.IGNORECASE)
_VOUS = re.compile(r"\b(?:vous|votre|vos)\b", re.IGNORECASE)

# Words that any reply may share with any review, by their first letters.
_COMMON = folded("common_stems", VOCABULARY)
SENTENCE_MEAN, SENTENCE_LONGEST = 25, 45  # words; plain-language guides ask for short sentences


def thanks(case: Case) -> Answer:
    return Answer(True) if _THANKS.search(case.draft) else failed("aucun remerciement", "thanks.none")


def regret(case: Case) -> Answer:
    """Asked for only where the review is known to be negative ("Négatif", as in the export)."""
    if case.sentiment is None or not fold(case.sentiment).startswith("negati"):
        return Answer(True, "sans objet : avis non négatif ou ressenti inconnu")
    if _REGRET.search(case.draft):
        return Answer(True)
    return failed("aucun regret, alors que l'avis est négatif", "regret.none")


def _content(text: str) -> dict[str, str]:
    """Content words by a rough stem: the first five letters without accents, so that "délais" meets "délai"."""
    stems = {fold(w)[:5]: w for w in words(text) if len(w) >= 4 and not w.isdigit()}
    return {stem: w for stem, w in stems.items() if stem not in _COMMON}


def names_problem(case: Case) -> Answer:
    """At least two content words of the review, or all that it has if it has fewer."""
    review, draft = _content(case.review), _content(case.draft)
    shared = sorted(draft[stem] for stem in review.keys() & draft.keys())
    detail = f"mots de l'avis repris : {', '.join(shared) or 'aucun'}"
    return Answer(True, detail) if len(shared) >= min(2, len(review)) else failed(detail, "names_problem.few")


def next_step(case: Case) -> Answer:
    if _NEXT_STEP.search(case.draft):
        return Answer(True)
    return failed("aucune étape concrète proposée", "next_step.none")


def vouvoiement(case: Case) -> Answer:
    if found := [Fault(m.group(), "vouvoiement.tu") for m in _TU.finditer(case.draft)]:
        return none_of(found, "tutoiement")
    if _VOUS.search(case.draft):
        return Answer(True)
    return failed("ne s'adresse pas à l'usager (ni « vous » ni « votre »)", "vouvoiement.none")


def sentence_length(case: Case) -> Answer:
    lengths = [count_plain(s) for s in case.sentences]
    if not lengths:
        return failed("aucune phrase", "sentence_length.none")
    mean, longest = sum(lengths) / len(lengths), max(lengths)
    detail = f"{mean:.0f} mots par phrase en moyenne, la plus longue {longest}".replace(".", ",")
    short = mean <= SENTENCE_MEAN and longest <= SENTENCE_LONGEST
    return Answer(True, detail) if short else failed(detail, "sentence_length.long")
