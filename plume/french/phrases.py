"""Pieces of regular expressions that rules share, from the word lists: civilities, kin, months. For folded text."""

from plume.french.numbers import number_words
from plume.french.text import fold
from plume.french.vocabulary import any_of, column, folded, rows

# "M", alone, is too often the start of something else ("m appeler"): whoever wants it says so.
_CIVILITIES = [row for row in rows("civilities") if row["kind"] != "title" and row["form"] not in ("M", "MM")]
_OF_ONE = [row["form"] for row in _CIVILITIES if row["civility"] in ("monsieur", "madame", "mademoiselle")]
_TITLES = column("civilities", "form", kind="title")
CIVILITY = any_of(map(fold, _OF_ONE))
# For texts as they are written, with a capital.
WRITTEN_CIVILITY = any_of(form[0].upper() + form[1:] for form in _OF_ONE)
WRITTEN_CIVILITIES = any_of(row["form"][0].upper() + row["form"][1:] for row in _CIVILITIES)  # "Mesdames" too
WRITTEN_TITLE = any_of({*_TITLES, *map(str.capitalize, _TITLES)})
MONTH = any_of(fold(row["name"]) for row in rows("months"))
MONTH_OR_SHORT = any_of(fold(form) for row in rows("months") for form in (row["name"], *row["short"].split()))


def _people(*kinds: str) -> str:
    """The words for people of some kinds; a hyphen may be a blank or left out: "grand mère"."""
    words = any_of(fold(row["word"]) for row in rows("kin") if row["kind"] in kinds)
    return words.replace(r"\-", "[ -]?")


KIN = _people("family", "close")  # whose name may follow: "ma fille Lise", "mon voisin Paul"
# Whoever is told of: "une dame de 82 ans".
PERSON = rf"(?:{_people('family', 'close', 'person')}|compagn\w+|personnes? agees?|petite?[ -]fil\w+|handicape\w*)"
# What receives the public, as its sentences name it: where one is named, a landline or an address may be its own.
SERVICE = rf"(?:{any_of(map(fold, column('services', 'word')))}|maison (?:d|franc)\w+)"
BODY = any_of(map(fold, column("services", "word", kind="body")))  # which may bear a name: "centre Louis Aragon"
NETWORK = any_of(map(fold, column("services", "word", kind="network")))  # "CAF", which a town follows
NUMBER_WORD = any_of(number_words(1, 60))  # one of the words that numbers below a hundred are made of
ROLE = any_of(folded("roles"))  # what somebody is at work, whose name may follow: "ma conseillère Lise"
# What may stand between the digits of one number: anything that is neither letter nor digit, but a unit.
ANY_SIGN = r"(?:[^\w€%]|_)"
SIGN = r"(?:[^\w\s,;:!?()'\"€%]|_)"  # the same without blanks and what goes on with a sentence
