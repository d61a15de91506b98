"""A structure's own text becomes a sheet; what designates a person in it is masked, the service's own lines stay."""

import pytest

from plume.pseudonymise import Pseudonymiser
from plume.sources.cut import Block
from plume.sources.sheets import Refused
from plume.sources.texts import Given, faults, read, without_people

MARKDOWN = """---
title: Accueil du public
url: https://www.mairie.example/accueil
updated: 2026-10-01
network: Mairie
---
# Accueil du public

Le guichet est ouvert de *9 h* à 17 h. Voir [les horaires](https://www.mairie.example/horaires).

## Rendez-vous

- en ligne
- par téléphone au 01 99 00 10 20

| Acte | Délai |
|---|---|
| Passeport | 26 jours |

### Mineurs

Un parent <b>doit</b> être<br/>là.

| Prix | Durée |
|---|---|
| | |
"""


def test_markdown_with_front_matter():
    found = read(MARKDOWN.encode(), "accueil.md", Given(network="CAF", licence="Licence Ouverte 2.0"))
    assert found._replace(blocks=()) == (
        *(
            "accueil.md",
            "document",
            "Accueil du public",
            (),
            "https://www.mairie.example/accueil",
            None,
            "Mairie",
            None,
        ),
        *("2026-10-01", "Licence Ouverte 2.0"),
    )
    assert found.blocks == (
        Block((), "Le guichet est ouvert de 9 h à 17 h. Voir les horaires (https://www.mairie.example/horaires)."),
        Block(("Rendez-vous",), "en ligne ;"),
        Block(("Rendez-vous",), "par téléphone au 01 99 00 10 20 ;"),
        Block(("Rendez-vous",), "Acte : Passeport ; Délai : 26 jours."),
        Block(("Rendez-vous", "Mineurs"), "Un parent doit être là."),
    )


def test_a_plain_text_has_paragraphs_and_lines_that_stand_alone_as_headings():
    text = (
        "Accueil\r\n\r\nOuvert de 9 h\r\nà 17 h.\r\n\r\nPièces à fournir\r\n\r\n- une photo\r\n- un titre\r\n\r\nMerci"
    )
    found = read(text.encode("cp1252"), "dossier/accueil_du_public.txt", Given())
    assert (found.title, found.updated_on, found.url) == ("Accueil", None, None)
    assert found.blocks == (
        Block((), "Ouvert de 9 h à 17 h."),
        Block(("Pièces à fournir",), "une photo ;"),
        Block(("Pièces à fournir",), "un titre ;"),
        Block(("Pièces à fournir",), "Merci"),
    )


def test_a_text_without_a_title_is_called_by_the_option_then_by_its_file():
    assert read(b"Oui, ouvert.", "horaires-d_ete.md", Given()).title == "horaires d ete"
    assert read(b"Oui, ouvert.", "horaires.md", Given(title="Horaires")).title == "Horaires"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "empty"),
        (b"---\ntitle: x\n---\n", "empty"),
        (b"---\ntitle: [x\n---\ntexte", "damaged"),
        (b"---\n- x\n---\ntexte", "damaged"),
        (b"---\nupdated: hier\n---\ntexte", "damaged"),
        (b"---\nurl: javascript:alert(1)\n---\ntexte", "damaged"),
        (b"\x00\x01binary", "damaged"),
    ],
)
def test_what_cannot_be_a_source_says_why(text, reason):
    found = read(text, "a.md", Given())
    assert isinstance(found, Refused)
    assert (found.reason, bool(found.detail)) == (reason, True)


def test_what_an_option_says_is_looked_at_too():
    assert list(faults(Given(updated="2026-13-01", audience="tous", url="x"))) == [
        "updated: '2026-13-01' is no date; write it as 2026-11-30",
        "audience: 'tous' is none of particuliers, professionnels, associations",
        "url: 'x' is no address that begins with https://",
    ]
    assert not list(faults(Given(updated="2026-11-30", audience="particuliers", url="https://x.example/a")))


def test_people_are_masked_and_the_lines_of_a_service_stay():
    text = (
        "# Contacts de Mme Martine Lefebvre\n\nAppelez Mme Martine Lefebvre au 06 12 34 56 78 ou écrivez à "
        "martine.lefebvre@mairie.example.\n\nL'accueil répond au 01 99 00 10 20 et à accueil@mairie.example, "
        "12 rue de la Gare, 37000 Tours."
    )
    sheet, masked = without_people(read(text.encode(), "a.md", Given()), Pseudonymiser().find_many)
    said = " ".join([sheet.title, *(" ".join([*block.where, block.text]) for block in sheet.blocks)])
    for gone in ("Lefebvre", "06 12", "martine.lefebvre"):
        assert gone not in said
    for kept in ("01 99 00 10 20", "accueil@mairie.example", "12 rue de la Gare, 37000 Tours"):
        assert kept in said
    assert masked["TEL"] == masked["EMAIL"] == 1
    assert masked["PERSONNE"] >= 2


def test_names_of_tools_and_forms_are_no_people():
    text = "Utilisez Perceval, avec votre numéro d'assuré ou le formulaire Cerfa n° 19210*04. Cap emploi vous reçoit."
    sheet, masked = without_people(read(text.encode(), "a.md", Given()), Pseudonymiser().find_many)
    assert sheet.blocks == (Block((), text),)
    assert not masked
