"""Civilities, public bodies, months, number words and kin are listed in plume/french alone."""

import ast
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEAST = 3  # different members of a vocabulary that make a list of their own

VOCABULARIES = {
    "civilities": "monsieur madame mademoiselle messieurs mesdames mme mlle docteur maitre professeur",
    "bodies": "caf cpam urssaf msa mdph carsat ants dgfip ofii crous prefecture mairie tribunal ministere impots",
    "months": "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "numbers": "deux trois quatre cinq sept huit dix onze douze treize quatorze quinze seize vingt trente quarante",
    "kin": "mari femme epoux epouse fils fille pere mere frere soeur oncle tante cousin cousine conjoint conjointe",
}
MEMBERS = {name: frozenset(words.split()) for name, words in VOCABULARIES.items()}


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.lower().replace("œ", "oe"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _terms(text: str) -> set[str]:
    """The words of a list or of a pattern, with the branches of `janv(?:ier)?` and `fr[eè]re` written out."""
    text = re.sub(r"\\[a-zA-Z]", " ", text)  # \b, \s
    text = re.sub(r"\[(\w)[^\]]{0,3}\]", r"\1", _fold(text))
    found = set(re.findall(r"[a-z]+", text))
    for start, branches in re.findall(r"([a-z]+)\((?:\?:)?([a-z|]+)\)", text):
        found |= {start + branch for branch in branches.split("|")}
    return found


def _is_list(text: str) -> bool:
    """A pattern with branches, or words apart: no sentence."""
    return "|" in text or not re.search(r"[.,;:!?]\s|\b(?:le|la|les|un|une|vous|nous|est)\b", text.lower())


def vocabularies_in(source: str) -> set[str]:
    """The vocabularies that a file lists for itself: in one text that is a list, or in a collection of words."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    lists = list(_lists(tree, prose))
    return {name for name, words in MEMBERS.items() if any(len(terms & words) >= LEAST for terms in lists)}


def _lists(tree: ast.AST, prose: set[int]) -> Iterator[set[str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            if _is_list(node.value):
                yield _terms(node.value)
        elif isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            if _is_list(text):
                yield _terms(text)
        elif isinstance(node, ast.Set | ast.List | ast.Tuple | ast.Dict):
            parts = node.keys if isinstance(node, ast.Dict) else node.elts
            words = (part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
            yield {_fold(word).strip(".") for word in words}


def files() -> list[str]:
    tops = ("plume", "train", "eval", "serve")
    paths = (path.relative_to(ROOT) for top in tops for path in (ROOT / top).rglob("*.py"))
    return sorted(str(path) for path in paths if not path.is_relative_to("plume/french"))


def second_lists() -> list[str]:
    found = {file: vocabularies_in((ROOT / file).read_text(encoding="utf-8")) for file in files()}
    return [f"{file}\t{' '.join(sorted(names))}" for file, names in found.items() if names]


def test_no_vocabulary_is_listed_twice():
    assert second_lists() == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('X = r"M\\.|M(?:me|lle)|Monsieur|Madame"', {"civilities"}),
        ('X = {"janvier": 1, "février": 2, "mars": 3}', {"months"}),
        ('X = "deux trois quatre".split()', {"numbers"}),
        ('X = r"(?:mon|ma) (?:p[eè]re|m[eè]re|fr[eè]re)"', {"kin"}),
        ('X = f"caf|cpam|urssaf{MORE}"', {"bodies"}),
        ('"""Mari, femme ou fils."""', set()),
        ('X = "La CAF, la CPAM et l\'Urssaf vous répondent."', set()),
        ('X = ["mon mari", "ma femme", "mon fils"]', set()),
    ],
)
def test_a_second_list_is_seen(source, found):
    assert vocabularies_in(source) == found
