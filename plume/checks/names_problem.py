"""Asks whether a draft takes up the review's words. A signal: a human judges that better than a count."""

from plume.checks.case import VOCABULARY, Answer, Case, failed
from plume.french.text import fold, words
from plume.french.vocabulary import folded

# Words that any reply may share with any review, by their first letters.
_COMMON = folded("common_stems", VOCABULARY)


def names_problem(case: Case) -> Answer:
    """Count content words of the review in the draft: two are wanted, or all that it has if it has fewer."""
    review, draft = _content(case.review), _content(case.draft)
    shared = sorted(draft[stem] for stem in review.keys() & draft.keys())
    detail = f"mots de l'avis repris : {', '.join(shared) or 'aucun'}"
    return Answer(True, detail) if len(shared) >= min(2, len(review)) else failed(detail, "names_problem.few")


def _content(text: str) -> dict[str, str]:
    """Content words by a rough stem: the first five letters without accents, so that "délais" meets "délai"."""
    stems = {fold(w)[:5]: w for w in words(text) if len(w) >= 4 and not w.isdigit()}
    return {stem: w for stem, w in stems.items() if stem not in _COMMON}
