"""A closing is written down once: the check of signatures, the cleaning of replies and masking all know it."""

import re

import pytest

from plume.checks import check
from plume.contacts import Directory
from plume.corpus.clean_reply import clean_reply
from plume.french.closings import TABLES, ends_with_closing
from plume.pseudonymise import Pseudonymiser

BODY = "Bonjour,\n\nVotre titre est prêt depuis lundi, il vous attend à la mairie."
EXAMPLES = {
    rule.name: re.search("‹(.*)›", rule.examples[0])[1].removesuffix(" :") for rows in TABLES.values() for rule in rows
}


def test_every_reader_has_examples():
    assert set(TABLES) == {"words", "alone", "sentences"}
    assert len(EXAMPLES) == sum(map(len, TABLES.values())) > 8


@pytest.mark.parametrize("closing", EXAMPLES.values(), ids=EXAMPLES)
def test_a_closing_is_known_to_check_cleaning_and_masking(closing):
    found = {f.check: f for f in check(f"{BODY}\n\n{closing}", review="", directory=Directory(()))}
    assert not found["signature"].passed
    assert clean_reply(f"{BODY}\n\n{closing},\nLise") == (BODY, f"{closing},\nLise")
    text = f"{BODY}\n{closing},\nxqzara"
    assert [text[span.start : span.end] for span in Pseudonymiser().find(text)] == ["xqzara"]
    assert ends_with_closing(f"{closing} ,")


@pytest.mark.parametrize("line", ["Cordialement,\nLa régie des eaux", "Cordialement,\nL'équipe des eaux"])
def test_a_service_that_signs_is_nobody(line):
    assert Pseudonymiser().find(f"{BODY}\n{line}") == []
