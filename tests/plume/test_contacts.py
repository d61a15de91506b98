"""The directory of public contacts: what it knows, how it is read, what a faulty file gives."""

import json
import re

import pytest

from plume.contacts import KINDS, Contact, Directory, host, national, to_json
from plume.errors import InputError

ENTRY = {
    "network": "CAF",
    "structure": None,
    "kind": "phone",
    "value": "32 30",
    "label": "Allocations familiales",
    "source": "caf.fr",
    "checked_on": None,
}


@pytest.fixture(scope="module")
def directory() -> Directory:
    return Directory.load()


def test_the_shipped_directory_is_well_formed(directory):
    assert len(directory.contacts) >= 60
    assert len(set(directory.contacts)) == len(directory.contacts)
    for contact in directory.contacts:
        assert contact.kind in KINDS
        assert "." in contact.source, contact
        assert contact.checked_on is None or re.fullmatch(r"\d{4}-\d{2}-\d{2}", contact.checked_on), contact
        if contact.kind == "domain":
            assert host(contact.value) == contact.value, contact
        if contact.kind == "phone":
            # No mobile and no local landline: a wrong entry must never keep somebody's own number.
            assert not re.match(r"0[67]", national(contact.value)), contact


@pytest.mark.parametrize("text", ["3646", "36 46", "36.46", "0 809 401 401", "0809401401", "+33 809 401 401"])
def test_known_phones_however_written(directory, text):
    assert directory.knows_phone(text)


@pytest.mark.parametrize("text", ["06 39 98 12 34", "3699", "", "364", "36 46 12", "zéro"])
def test_unknown_phones(directory, text):
    assert not directory.knows_phone(text)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+33 (0)1 84 90 36 46", "0184903646"),
        ("(+33) 6.39.98.44.07", "0639984407"),
        ("0033639984407", "0639984407"),
        ("06 39 98 44 07", "0639984407"),
        ("+32 478 98 76 54", "32478987654"),
    ],
)
def test_national_form(text, digits):
    assert national(text) == digits


@pytest.mark.parametrize(
    "url",
    [
        "ameli.fr",
        "www.ameli.fr",
        "https://assure.ameli.fr/page?x=1",
        "HTTP://WWW.CAF.FR",
        "quelque-chose.gouv.fr/aide",
        "https://user@caf.fr:443/",
    ],
)
def test_known_urls(directory, url):
    assert directory.knows_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "ameli.fr.exemple.com",
        "faux-ameli.fr",
        "gouv.fr",
        "https://exemple.com/ameli.fr",
        "http://caf.fr@exemple.com",
        "",
    ],
)
def test_lookalikes_are_not_known(directory, url):
    assert not directory.knows_url(url)


def test_emails_are_compared_without_case(tmp_path):
    path = tmp_path / "contacts.json"
    path.write_text(json.dumps([{**ENTRY, "kind": "email", "value": "Contact@Exemple.fr"}]))
    directory = Directory.load(path)
    assert directory.knows_email(" CONTACT@exemple.fr ")
    assert not directory.knows_email("autre@exemple.fr")


def test_contacts_of_a_structure_come_from_the_nearest_to_the_widest():
    def contact(network, structure, value):
        return Contact(network, structure, "phone", value, "", "exemple.fr", None)

    own, network, everyone = contact("CAF", "CAF du Lot", "1"), contact("CAF", None, "2"), contact(None, None, "3")
    other = contact("MSA", None, "4")
    directory = Directory((everyone, other, network, own))
    assert directory.of("caf", "CAF du Lot") == [own, network, everyone]
    assert directory.of("CAF", "CAF du Gers") == [network, everyone]
    assert directory.of(None, None) == [everyone]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not a JSON file"),
        ("{}", "a list of contacts"),
        (json.dumps([{**ENTRY, "kind": "fax"}]), r"entry 1: kind 'fax'"),
        (json.dumps([ENTRY, {"kind": "phone"}]), r"entry 2: exactly these keys"),
        (json.dumps([{**ENTRY, "value": 3230}]), r"entry 1: value must be a text"),
    ],
)
def test_a_faulty_file_is_named_with_its_entry(tmp_path, content, message):
    path = tmp_path / "contacts.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        Directory.load(path)


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        Directory.load(tmp_path / "absent.json")


@pytest.mark.parametrize(
    ("network", "value"),
    [
        ("CPAM", "3646"),
        ("CAF", "3230"),
        ("Carsat", "3960"),
        ("CNAV", "3960"),
        ("Agence France Travail (AFT)", "3949"),
        ("France Titres - ANTS", "3400"),
        ("Impots.gouv.fr", "0 809 401 401"),
        ("Service des Impôts des particuliers", "0 809 401 401"),
        ("Service-public.fr", "3939"),
        ("MSA", "msa.fr"),
        ("Préfecture", "interieur.gouv.fr"),
        ("Réseau consulaire", "diplomatie.gouv.fr"),
        ("Justice", "justice.fr"),
        ("Tribunal judiciaire", "justice.fr"),
        ("DILA", "dila.gouv.fr"),
        ("Gendarmerie nationale", "gendarmerie.interieur.gouv.fr"),
    ],
)
def test_the_shipped_directory_knows_the_lines_and_sites_of_each_network(directory, network, value):
    assert value in {c.value for c in directory.of(network, "quelque part") if c.network}


def test_scopes_are_compared_without_case_accents_blanks_and_apostrophes():
    own = Contact("Préfecture", "Préfecture de l'Ain", "phone", "1", "", "exemple.fr", None)
    assert Directory((own,)).of("PREFECTURE", "préfecture  de l’Ain") == [own]
    assert Directory((own,)).of("Préfecture", "Préfecture de l'Aisne") == []


def test_a_directory_of_many_structures_is_indexed_once():
    many = tuple(
        Contact("Mairie", f"Mairie - {i}", "phone", f"01 99 {i}", "", "exemple.fr", None) for i in range(70_000)
    )
    directory = Directory(many)
    assert directory.of("Mairie", "Mairie - 69999") == [many[-1]]
    assert sum(len(directory.of("Mairie", f"Mairie - {i}")) for i in range(0, 70_000, 7)) == 10_000


def test_the_written_form_is_sorted_one_contact_a_line_and_read_back(directory, tmp_path):
    path = tmp_path / "contacts.json"
    path.write_text(to_json(reversed(directory.contacts)), encoding="utf-8")
    again = Directory.load(path)
    assert again.contacts == directory.contacts
    assert again.sha256 == directory.sha256 != Directory().sha256
    assert len(path.read_text(encoding="utf-8").splitlines()) == len(directory.contacts) + 2


def test_an_empty_directory_is_written_and_read(tmp_path):
    path = tmp_path / "contacts.json"
    path.write_text(to_json([]))
    assert Directory.load(path).contacts == ()
