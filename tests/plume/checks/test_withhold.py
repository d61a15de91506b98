"""What is withheld from a draft before it leaves, and where."""

import pytest

from plume.checks import check
from plume.checks.withhold import withhold
from plume.contacts import Directory

DIRECTORY = Directory.load()
REVIEW = "Ma demande de titre dort depuis mars. Mon numéro : 06 39 98 11 22. Lucette"


def cut(draft, **given):
    return withhold(draft, review=given.pop("review", REVIEW), directory=DIRECTORY, **given)


@pytest.mark.parametrize(
    ("draft", "wanted"),
    [
        ("Bonjour,\n\nAppelez le 01 99 00 55 66.", "Bonjour,\n\nAppelez le [TEL]."),
        ("Écrivez à aide@exemple.org ou sur www.exemple.org.", "Écrivez à [EMAIL] ou sur [URL]."),
        ("Bonjour, Mme Josette Morvan suit cela.", "Bonjour, Mme [TIERS] suit cela."),
        (
            "Votre numéro, 06 39 98 11 22, est noté. Appelez le 39 39.",
            "Votre numéro, [TEL], est noté. Appelez le 39 39.",
        ),
        ("Bonjour [USAGER], voyez service-public.fr.", None),
        ("Le 01 99 00 55 66 et le 01 99 00 55 67.", "Le [TEL] et le [TEL]."),
    ],
)
def test_what_nobody_gave_is_replaced_and_the_rest_stays(draft, wanted):
    text, places = cut(draft)
    assert text == (wanted or draft)
    assert [text[p.start : p.end] for p in places] == [p.placeholder for p in places]
    assert bool(places) is bool(wanted)


def test_what_was_cut_out_fails_no_check_any_more():
    draft = "Bonjour,\n\nMme Josette Morvan (josette.morvan@exemple.org, 06 39 98 44 55) vous aidera."
    text, places = cut(draft)
    failed = {f.check for f in check(text, review=REVIEW, directory=DIRECTORY) if not f.passed}
    assert {p.check for p in places} == {"contacts", "personal_data"}
    assert not failed & {"contacts", "personal_data"}
    for gone in ("Morvan", "exemple.org", "44 55"):
        assert gone not in text


def test_what_the_prompt_gave_stays():
    assert cut("Appelez le 01 99 00 55 66.", prompt="Contacts officiels : 01 99 00 55 66")[1] == []
