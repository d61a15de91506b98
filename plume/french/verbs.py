"""Gives patterns of French verbs by what they are used for: infinitives, presents, future stems, participles. Pure.

The forms are data (`vocabulary/verbs.tsv`, `present_tense.tsv`): nothing is worked out here but how a participle
agrees, and the present.
"""

import re

from plume.french.vocabulary import any_of, rows

# What looks like a past participle, as it agrees.
PARTICIPLE = (
    r"(?:(?!(?:lui|aussi|ainsi|parmi|plus|joli|vrai|celui|midi|demi|quasi|absolu|individu)e?s?\b|\w+ques?\b)(?:\w{2,}(?:é|i|u)e?s?|\w*(?:mis|pris|fait|dit|clos|ouvert|offert|couvert|[ée]crit|duit|truit|joint|acquis|requis|inclus"
    r"|sous|craint|teint)e?s?))\b"
)


def infinitives(*uses: str) -> str:
    """Give a pattern of the infinitives of some uses: "rappeler", "tenir informée"."""
    return _agreeing(_forms("infinitive", uses))


def futures(*uses: str) -> str:
    """Give a pattern of the future stems of some uses, which -a, -ont, -ons or -ai follows: "rappeller"."""
    return any_of(stem for stems in _forms("future", uses) for stem in stems.split(" "))


def participles(*uses: str) -> str:
    """Give a pattern of the participles of some uses as they agree: "rappelées", "mise en", "tenue au courant"."""
    return _agreeing(_forms("participle", uses), r"^\w+|\w+é$")


def presents(person: str, *uses: str) -> str:
    """Give a pattern of the present of some uses; `person` is "je", "il", "nous" or "ils": "rejetons", "accède à"."""
    verbs = {(row["infinitive"], row["future"]) for row in rows("verbs") if not {*uses}.isdisjoint(row["uses"].split())}
    pattern = any_of(form for verb, future in verbs for form in _present(verb, future, person))
    return re.sub(r" (à|de)(?=[|)])", lambda m: " (?:à|aux?)" if m[1] == "à" else " (?:de|du|des)", pattern)


def _present(verb: str, future: str, person: str) -> list[str]:
    """Conjugate one verb: "lever", whose future stem is "lèver", gives "lève" and "levons"."""
    first, blank, more = verb.partition(" ")
    endings = [row for row in rows("present_tense") if first.endswith(row["infinitive"])]
    if endings:
        row = max(endings, key=lambda row: len(row["infinitive"]))
        root = first.removesuffix(row["infinitive"])
        forms = [root + form for form in row[person].split(" ")]
    elif person == "nous":
        root = first.removesuffix("er")
        forms = [{"g": root + "e", "c": root[:-1] + "ç"}.get(root[-1], root) + "ons"]
    else:
        forms = [stem.removesuffix("r") + ("nt" if person == "ils" else "") for stem in future.split(" ")]
    return [form + blank + more for form in forms]


def _forms(column: str, uses: tuple[str, ...]) -> list[str]:
    return [row[column] for row in rows("verbs") if not {*uses}.isdisjoint(row["uses"].split(" "))]


def _agreeing(forms: list[str], words: str = r"\w+é$") -> str:
    """Any of the forms, those `words` of each that agree with or without -e and -s; the longest form first."""
    longest_first = sorted(dict.fromkeys(forms), key=len, reverse=True)
    return "(?:" + "|".join(re.sub(words, r"\g<0>e?s?", form) for form in longest_first) + ")"
