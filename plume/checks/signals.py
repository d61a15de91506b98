"""What a good reply usually holds. Signals are reported and never gate: a human judges tone better than a pattern."""

import re

from plume.checks.case import NOTHING, Case, Result, none_of
from plume.french.text import count_plain, fold, words

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

# Words that any reply may share with any review: small words and courtesies, without accents, by their first letters.
_COMMON = frozenset(
    words(
        """agent ainsi alors aucun aussi autre avait avant avec avez avis avoir avons beauc bonjo cela celui cette chaqu
        chose comme cordi dans demar depui deux dire donc elle encor enfin entre etait etes etre exper faire fait falla
        fois grand heure jamai jour jours leur leurs madam mais meme merci mieux moins mois monsi notre nous parce parfo
        parti penda perso petit peut pour pourq pouve pouvo quand quelq remer repon retou rien sans servi seule site
        sont sous suis tant temoi temps toujo tous tout toute tres trop trouv usage vers voila votre vous"""
    )
)
SENTENCE_MEAN, SENTENCE_LONGEST = 25, 45  # words; plain-language guides ask for short sentences


def thanks(case: Case) -> Result:
    return (True, NOTHING) if _THANKS.search(case.draft) else (False, "aucun remerciement")


def regret(case: Case) -> Result:
    """Asked for only where the review is known to be negative ("Négatif", as in the export)."""
    if case.sentiment is None or not fold(case.sentiment).startswith("negati"):
        return True, "sans objet : avis non négatif ou ressenti inconnu"
    return (True, NOTHING) if _REGRET.search(case.draft) else (False, "aucun regret, alors que l'avis est négatif")


def _content(text: str) -> dict[str, str]:
    """Content words by a rough stem: the first five letters without accents, so that "délais" meets "délai"."""
    stems = {fold(w)[:5]: w for w in words(text) if len(w) >= 4 and not w.isdigit()}
    return {stem: w for stem, w in stems.items() if stem not in _COMMON}


def names_problem(case: Case) -> Result:
    """At least two content words of the review, or all that it has if it has fewer."""
    review, draft = _content(case.review), _content(case.draft)
    shared = sorted(draft[stem] for stem in review.keys() & draft.keys())
    passed = len(shared) >= min(2, len(review))
    return passed, f"mots de l'avis repris : {', '.join(shared) or 'aucun'}"


def next_step(case: Case) -> Result:
    return (True, NOTHING) if _NEXT_STEP.search(case.draft) else (False, "aucune étape concrète proposée")


def vouvoiement(case: Case) -> Result:
    if found := [m.group() for m in _TU.finditer(case.draft)]:
        return none_of(found, "tutoiement")
    return (
        (True, NOTHING)
        if _VOUS.search(case.draft)
        else (False, "ne s'adresse pas à l'usager (ni « vous » ni « votre »)")
    )


def sentence_length(case: Case) -> Result:
    lengths = [count_plain(s) for s in case.sentences]
    if not lengths:
        return False, "aucune phrase"
    mean, longest = sum(lengths) / len(lengths), max(lengths)
    passed = mean <= SENTENCE_MEAN and longest <= SENTENCE_LONGEST
    return passed, f"{mean:.0f} mots par phrase en moyenne, la plus longue {longest}".replace(".", ",")
