"""Checks how a reply is made: its length, that of its sentences, and a greeting at its start."""

from plume import marks
from plume.checks.case import RULES, Answer, Case, failed
from plume.french.rules import in_turn, read_tables, reading
from plume.french.text import count_plain
from plume.french.vocabulary import any_of, column

LEAST, MOST = 60, 140  # words, as the prompt says; the platform's replies have a median of 94
SENTENCE_MEAN, SENTENCE_LONGEST = 25, 45  # words; plain-language guides ask for short sentences

_CIVILITY = any_of(
    {
        form.lower()
        for kind in ("short", "long", "title")
        for form in column("civilities", "form", kind=kind)
        if len(form) > 2 or form in ("M.", "Mr")
    }
)
SOMEBODY = any_of(  # how a man or a woman is called before a name
    form.lower()
    for civility in ("monsieur", "madame")
    for form in column("civilities", "form", civility=civility)
    if len(form) > 1
)
GREETINGS = read_tables(RULES / "greeting.toml", CIVILITY=_CIVILITY, MARK=marks.pattern())["greetings"]


def length(case: Case) -> Answer:
    """Count the draft's words."""
    n = count_plain(case.prose)
    detail = f"{n} mots (attendu : {LEAST} à {MOST})"
    return Answer(True, detail) if LEAST <= n <= MOST else failed(detail, f"length.{'short' if n < LEAST else 'long'}")


def sentence_length(case: Case) -> Answer:
    """Count the words of the sentences, on average and of the longest."""
    lengths = [count_plain(s) for s in case.sentences]
    if not lengths:
        return failed("aucune phrase", "sentence_length.none")
    mean, longest = sum(lengths) / len(lengths), max(lengths)
    detail = f"{mean:.0f} mots par phrase en moyenne, la plus longue {longest}".replace(".", ",")
    short = mean <= SENTENCE_MEAN and longest <= SENTENCE_LONGEST
    return Answer(True, detail) if short else failed(detail, "sentence_length.long")


def greeting(case: Case) -> Answer:
    """Look for a greeting at the very start."""
    if opens_with_greeting(case.draft):
        return Answer(True)
    start = " ".join(case.draft.split()[:5])
    detail = f"ne commence pas par une salutation : « {start} »" if start else "brouillon vide, sans salutation"
    return failed(detail, "greeting.none")


def opens_with_greeting(text: str) -> bool:
    """Say whether a text begins with a greeting."""
    return next(in_turn(reading(text), GREETINGS), None) is not None
