"""Personal data in a draft that the writer was not given: memorised from training, or invented."""

import re

from plume.checks.case import Case, Result, none_of
from plume.checks.facts import PLACEHOLDER
from plume.checks.text import holds_run, words


def personal_data(case: Case) -> Result:
    """What the pseudonymiser's rules find, unless review or prompt hold it or the directory lists it.

    A pseudonym that stands in the prompt is no leak: who fills placeholders before checking passes the filled prompt.
    """
    from plume.corpus.pseudonymise import find_identifiers

    given = words(case.given)
    digits = re.sub(r"\D", "", case.given)
    placeholders = [m.span() for m in PLACEHOLDER.finditer(case.draft)]
    faults = []
    for span in find_identifiers(case.draft):
        text = _whole_words(case.draft, span.start, span.end)
        number = re.sub(r"\D", "", text)
        known = holds_run(given, words(text)) or (len(number) >= 6 and number in digits)
        public = case.directory.knows_phone(text) or case.directory.knows_email(text)
        inside = any(start <= span.start and span.end <= end for start, end in placeholders)
        if not (known or public or inside):
            faults.append(text)
    return none_of(faults, "données personnelles absentes de la consigne")


def _whole_words(text: str, start: int, end: int) -> str:
    """The span, widened to the words it cuts: a pseudonym such as "Lilou34" is given or not as a whole."""
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
        end += 1
    return text[start:end]
