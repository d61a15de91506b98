"""Finds articles, laws and decrees that are cited by number or date. Pure."""

import re
from collections.abc import Iterator

from plume.french.mentions import Mention
from plume.french.rules import Rule, Text, in_turn, table
from plume.french.text import fold, squeeze, words

_NUMBERED = r"(?:n° ?|no ?|numero )"
_KINDS = r"(?:loi|decret(?:-loi)?|arrete|ordonnance|circulaire|directive|reglement|instruction)"
_LAW = (
    rf"{_KINDS}(?: (?:organique|ministeriel(?:le)?|interministeriel(?:le)?|prefectoral|europeenn?e?|constitutionnelle"
    r"|\(?ue\)?|\(?ce\)?))*"
)
_LAW_HINTS = ("loi", "decret", "arrete", "ordonnance", "circulaire", "directive", "reglement", "instruction")
_LAWS = table(
    Rule(
        "law.article",
        r"\b(?:articles?|art\.?) ?(?:(?:l\.? ?o|[lrda])\b\.? ?\*?\.? ?)?(?:\d+(?:er)?(?:[-.]\d+)*|premier)\b",
        words=frozenset(("article", "articles", "art")),
        examples=("l'‹article L. 161-17› du code", "l'‹article premier›", "un article de presse"),
    ),
    Rule(
        "law.code-letter",
        r"[lrd](?<!\w[lrd])(?:(?:(?<=l)\.?o)?\. ?\*? ?\d{1,4}(?:-\d+)*|(?:(?<=l)o)?\*? ?\d{2,4}(?:-\d+)+)\b",
        digit=True,
        examples=("au ‹R. 123-4›", "le ‹L161-17›", "l 12"),
    ),
    Rule(
        "law.number",
        rf"\b{_LAW} {_NUMBERED}?\d{{2,4}}[-/]\d+(?:/[a-z]+)?\b|\b{_LAW} {_NUMBERED}\d+\b",
        hint=_LAW_HINTS,
        digit=True,
        examples=("la ‹loi n° 78-17›", "le ‹décret 2020-15›", "la loi de 12 pages"),
    ),
    Rule(
        "law.date",
        rf"\b{_LAW} (?:du (?:\d{{1,2}}|1er) \w+ (?:19|20)\d\d|de (?:19|20)\d\d)\b",
        hint=_LAW_HINTS,
        digit=True,
        examples=("la ‹loi du 6 janvier 1978›", "la ‹loi de 1901›", "la loi de finances"),
    ),
    # By the name of who proposed it or of its matter: "la loi Elan". A code's name alone cites nothing.
    Rule(
        "law.named",
        r"\b[Ll]oi(?: dite)? (?:« ?|\"|')?((?:[A-ZÉÈ][\w'-]+|\d[A-Z]{2}\b)(?:[- ](?:et )?[A-ZÉÈ][\w'-]+){0,2}"
        r"|informatique et libertés|littoral|montagne|travail|handicap)\b",
        hint=("loi ",),
        reads="written",
        examples=("la ‹loi Elan›", "la ‹loi Informatique et Libertés›", "la loi de finances", "une loi récente"),
    ),
)
# The further articles of "les articles 12, 13 et L. 14-2".
_FURTHER = re.compile(r"(?:, | et | à | ou )((?:[lrda]\.? ?)?\d+(?:-\d+)*)\b(?! ?(?:€|%|euros|jours|mois|ans))")
_ARTICLE = re.compile(r"^(?:articles?|art)")
_NAME = re.compile(
    r"^(?:loi|decretloi|decret|arrete|ordonnance|circulaire|directive|reglement|instruction)(?:no|numero|n)?"
)


def laws(text: Text) -> Iterator[Mention]:
    """Yield every citation of an article or a law; its value is what tells it apart, without the word for it."""
    for start, end, rule, match in in_turn(text, _LAWS):
        if rule.name == "law.named":
            yield Mention("law", start, end, " ".join(words(fold(match[1]))), rule.name)
            continue
        yield Mention("law", start, end, _value(match.group()), rule.name)
        if match.group().startswith("articles"):
            at = match.end()
            while more := _FURTHER.match(text.lower, at):
                yield Mention("law", *more.span(1), _value(more[1]), rule.name)
                at = more.end()


def _value(cited: str) -> str:
    return _NAME.sub("", _ARTICLE.sub("", squeeze(cited)))
