"""The State's directory of public services becomes contacts: all its shapes, and nothing that may be a person's own."""

import csv
import gzip
import json

import pytest

from plume.contacts import DEFAULT, Contact, Directory, to_json
from plume.corpus.contacts_import import SOURCE, merge, read_directory
from plume.errors import InputError


def service(name, code=None, **fields):
    pivot = [{"type_service_local": code, "code_insee_commune": ["99001"]}] if code else []
    return {"id": "0000-aaaa", "nom": name, "pivot": pivot, "adresse": [{"code_postal": "99001"}], **fields}


SERVICES = [
    service(
        "Caisse d'allocations familiales (CAF) de la Lande-Haute",
        "caf",
        telephone=[{"valeur": "01 99 00 10 20 / 01 99 00 10 21", "description": "prix d'un appel local"}],
        site_internet=[{"libelle": "Site de la caisse", "valeur": "https://www.caf-lande-haute.fr/accueil"}],
        adresse_courriel=["accueil@caf-lande-haute.fr"],
        date_modification="20/05/2024 08:23:11",
    ),
    service(
        "Mairie - Val-sur-Orge",
        "mairie",
        telephone=[{"valeur": "06 39 98 10 20"}, {"valeur": "+262 692 00 10 20"}, {"valeur": "f"}],
        site_internet=[{"libelle": "", "valeur": "https://www.facebook.com/valsurorge"}, {"valeur": "pas un site"}],
        adresse_courriel=["jeanne.durand@exemple.fr;valsurorge@exemple.fr", "mairie.val@exemple.fr", "rien"],
    ),
    service("Caisse nationale des exemples", telephone=[{"valeur": "3646"}], date_modification="2024-05-20T08:00:00Z"),
    service("Office des exemples", "type_nouveau", telephone=[{"valeur": "0809401401"}]),
    service("Consulat général de France à Exempleville", "consulat", telephone=[{"valeur": "+49 30 590 039 000"}]),
    service(" "),
]
COLUMNS = ("id", "nom", "pivot", "telephone", "site_internet", "adresse_courriel", "date_modification")


def as_text(value):
    return value if isinstance(value, str) or value is None else json.dumps(value, ensure_ascii=False)


@pytest.fixture(params=["service", "array", "strings", "csv", "gzip", "bom"])
def file(request, tmp_path):
    path = tmp_path / f"directory.{request.param}"
    flat = [{name: as_text(row.get(name, "")) for name in COLUMNS} for row in SERVICES]
    for row, original in zip(flat, SERVICES, strict=True):  # the export writes mail addresses as a plain text
        row["adresse_courriel"] = ";".join(original.get("adresse_courriel", []))
    whole = json.dumps({"service": SERVICES}).encode()
    if request.param == "csv":
        with path.open("w", encoding="utf-8-sig", newline="") as out:
            writer = csv.DictWriter(out, COLUMNS, delimiter=";")
            writer.writeheader()
            writer.writerows(flat)
    else:
        path.write_bytes(
            {
                "service": whole,
                "array": json.dumps(SERVICES).encode(),
                "strings": json.dumps(flat).encode(),
                "gzip": gzip.compress(whole),
                "bom": b"\xef\xbb\xbf" + whole,
            }[request.param]
        )
    return path


def test_every_shape_gives_the_same_contacts(file):
    imported = read_directory(file)
    caf = ("CAF", "CAF de la Lande-Haute")
    assert imported.services == 6
    assert [(c.network, c.structure, c.kind, c.value) for c in imported.contacts] == [
        (*caf, "phone", "01 99 00 10 20"),
        (*caf, "phone", "01 99 00 10 21"),
        (*caf, "email", "accueil@caf-lande-haute.fr"),
        (*caf, "domain", "caf-lande-haute.fr"),
        ("Mairie", "Mairie - Val-sur-Orge", "email", "valsurorge@exemple.fr"),
        ("Mairie", "Mairie - Val-sur-Orge", "email", "mairie.val@exemple.fr"),
        ("Caisse nationale des exemples", None, "phone", "3646"),
        ("type_nouveau", "Office des exemples", "phone", "0 809 401 401"),
        ("Réseau consulaire", "Consulat général de France à Exempleville", "phone", "+4930590039000"),
    ]
    assert imported.contacts[0].checked_on == imported.contacts[6].checked_on == "2024-05-20"
    assert {c.source for c in imported.contacts} == {SOURCE}
    assert imported.reasons == {
        "mailbox_of_a_person": 1,
        "mobile_phone": 2,
        "no_name": 1,
        "not_a_domain": 1,
        "not_a_phone": 1,
        "not_an_email": 1,
        "shared_site": 1,
    }


def test_what_may_be_a_persons_own_is_not_even_repeated_in_the_quarantine(file):
    rejected = read_directory(file).rejected
    assert {r.value for r in rejected if r.reason in ("mobile_phone", "mailbox_of_a_person")} == {None}
    assert [r.value for r in rejected if r.reason == "not_a_phone"] == ["f"]


@pytest.mark.parametrize(
    ("name", "code", "kept"),
    [
        ("Office notarial Jean Dupont", None, set()),
        ("Jean DUPONT - conciliateur de justice", "conciliateur_fiscal", set()),
        ("Maître Zoé Durand", None, set()),
        ("Mairie - M. Jean Dupont", "mairie", set()),
        ("Centre social Jean Dupont", "type_nouveau", {"phone", "domain"}),  # bodies bear names too; mailboxes tell
        ("CCAS Jean Dupont", "ccas", {"phone", "domain"}),
        ("SELARL Dupont & Fils, huissiers", "mairie", set()),
        ("Assistante sociale Nadia D.", "mairie", set()),
        ("Accueil social - Nadia D.", "ccas", set()),
        ("Prénom Nom - permanence parlementaire", "mairie", set()),
        ("Cabinet Durand, avocats", None, set()),
        ("Étude Durand, commissaires de justice", None, set()),
    ],
)
@pytest.mark.parametrize("mailbox", ["jean.dupont@exemple.fr", "jeandupont@exemple.fr", "dupont@exemple.fr"])
def test_a_service_called_like_a_person_gives_no_contact_of_that_person(tmp_path, name, code, kept, mailbox):
    fields = {
        "telephone": [{"valeur": "01 99 00 10 20"}],
        "adresse_courriel": [mailbox],
        "site_internet": [{"valeur": "exemple-dupont.fr"}],
    }
    path = tmp_path / "directory.json"
    path.write_text(json.dumps({"service": [service(name, code, **fields), SERVICES[0]]}))
    imported = read_directory(path)
    assert {c.kind for c in imported.contacts if c.structure != "CAF de la Lande-Haute"} == kept
    assert mailbox not in str(imported.contacts + imported.rejected)
    if not kept:
        assert imported.reasons == {"service_of_a_person": 3}
        assert "Dupont" not in str(imported.rejected)
        assert "Durand" not in str(imported.rejected)


@pytest.mark.parametrize(
    ("name", "mailbox"),
    [
        ("Mairie - Saint-Georges-de-Didonne", "saint.georges@exemple.fr"),
        ("Mairie de Martin-Église", "martin-eglise@exemple.fr"),
        ("CCAS Louis Aragon", "ccas.louis.aragon@exemple.fr"),
    ],
)
def test_the_mailbox_of_a_town_is_no_persons(tmp_path, name, mailbox):
    path = tmp_path / "directory.json"
    path.write_text(json.dumps({"service": [service(name, "mairie", adresse_courriel=[mailbox])]}))
    assert [c.value for c in read_directory(path).contacts] == [mailbox]


@pytest.mark.parametrize(
    "name", ["Chambre des notaires du Nord", "Ordre des avocats", "Conseil de l'ordre des médecins"]
)
def test_the_bodies_of_those_who_work_under_their_name_are_public(tmp_path, name):
    path = tmp_path / "directory.json"
    path.write_text(json.dumps({"service": [service(name, "x", telephone=[{"valeur": "01 99 00 10 20"}])]}))
    assert [c.value for c in read_directory(path).contacts] == ["01 99 00 10 20"]


@pytest.mark.parametrize(
    ("site", "taken"),
    [
        ("dupont-jean.fr", False),
        ("marie-lecomte-avocate.fr", False),
        ("jeandupont.fr", False),
        ("dupontjean.org", False),
        ("mairie-lens.fr", True),
        ("villefranche-sur-saone.fr", True),
        ("ville-saint-georges.fr", True),
    ],
)
def test_a_site_called_like_a_person_is_that_persons(tmp_path, site, taken):
    path = tmp_path / "directory.json"
    fields = {"site_internet": [{"valeur": f"https://www.{site}"}], "adresse_courriel": [f"contact@{site}"]}
    fields |= {"telephone": [{"valeur": "01 99 00 10 20"}]}
    path.write_text(json.dumps({"service": [service("Mairie - Kervoal", "mairie", **fields)]}))
    imported = read_directory(path)
    assert {c.kind for c in imported.contacts} == ({"phone", "domain", "email"} if taken else {"phone"})
    assert taken or site not in str(imported.rejected)


@pytest.mark.parametrize("mailbox", ["secretariat.benali", "contact-lecomte", "accueil.n.benali", "mairie.martinez"])
def test_a_surname_beside_a_word_of_services_is_a_persons(tmp_path, mailbox):
    path = tmp_path / "directory.json"
    fields = {"adresse_courriel": [f"{mailbox}@exemple.fr"], "telephone": [{"valeur": "01 99 00 10 20"}]}
    path.write_text(json.dumps({"service": [service("Mairie - Kervoal", "mairie", **fields)]}))
    assert {c.kind for c in read_directory(path).contacts} == {"phone"}


def test_csv_with_commas_is_read_as_well(tmp_path):
    path = tmp_path / "directory.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerow({"nom": "Caisse nationale", "telephone": json.dumps([{"valeur": "3646"}])})
    assert [c.value for c in read_directory(path).contacts] == ["3646"]


def test_a_wrong_file_is_refused_and_the_earlier_import_stays(refused, cli, tmp_path):
    out, good, wrong = tmp_path / "contacts.json", tmp_path / "good.json", tmp_path / "wrong.csv"
    good.write_text(json.dumps({"service": SERVICES}))
    assert cli("data", "contacts", "import", good, "--out", out).returncode == 0
    before = out.read_bytes()
    wrong.write_text("id,titre,description\n1,un avis,du texte\n")
    assert "no contact in its 1 services" in refused("data", "contacts", "import", wrong, "--out", out)
    assert "no contact in its 1 services" in refused("data", "contacts", "import", good, wrong, "--out", out)
    assert out.read_bytes() == before


def contact(network, value, source, structure=None):
    return Contact(network, structure, "phone", value, "label", source, None)


def test_what_was_kept_by_hand_wins_and_an_earlier_import_is_replaced(tmp_path):
    path = tmp_path / "directory.json"
    rows = [service("Caisse nationale", telephone=[{"valeur": "36 46"}, {"valeur": "3230"}])]
    path.write_text(json.dumps({"service": rows}))
    by_hand, earlier = contact("Caisse nationale", "3646", "ameli.fr"), contact("Ancien", "3960", SOURCE)
    merged = merge(Directory((by_hand, earlier)), [read_directory(path)])
    assert [(c.value, c.source) for c in merged] == [("3646", "ameli.fr"), ("3230", SOURCE)]
    assert merge(Directory(tuple(merged)), [read_directory(path)]) == merged


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"no directory of public services \(empty\)"),
        (b'{"service": []}', "no service"),
        (b'{"autre": [1, 2]}', "no contact in its 1 services"),
        (b'{"service": [{"nom": "x"}', r"\(line 1: truncated\)"),
        (b'[{"nom": }]', "line 1: not valid JSON"),
        (b"\x1f\x8bnot gzip", "damaged gzip"),
        (gzip.compress(bytes(range(256)) * 40, mtime=0)[:30] + b"\xff" * 60, "damaged gzip"),
        (b'"nom";"telephone"\n\xff\xfe;1\n', "not an export of experiences"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path, content, message):
    path = tmp_path / "odd"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_directory(path)


def test_odd_records_are_no_crash(tmp_path):
    odd = [1, None, "x", {"nom": "A", "telephone": {"valeur": "3646"}}, {"nom": "B", "telephone": "[{", "pivot": [3]}]
    odd += [{"nom": "C", "site_internet": [None, 5, {"valeur": None}], "date_modification": 20}]
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({"service": odd}))
    imported = read_directory(path)
    assert imported.services == 3
    assert [c.value for c in imported.contacts] == ["3646"]


def test_the_command_adds_to_the_curated_file_and_says_what_it_did(tmp_path, cli, file):
    out = tmp_path / "contacts.json"
    done = cli("data", "contacts", "import", file, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "6 services, 9 contacts; rejected: mailbox_of_a_person 1, mobile_phone 2" in done.stdout
    directory = Directory.load(out)
    assert set(Directory.load(DEFAULT).contacts) < set(directory.contacts)
    assert directory.knows_phone("01 99 00 10 20")
    assert not directory.knows_phone("06 39 98 10 20")
    assert out.read_text(encoding="utf-8") == to_json(directory.contacts)
    rejected = (tmp_path / "contacts.rejected.jsonl").read_text(encoding="utf-8")
    assert '"mobile_phone"' in rejected
    assert "39 98" not in rejected


def test_a_missing_file_is_named(refused, tmp_path):
    out = tmp_path / "contacts.json"
    assert "no such file" in refused("data", "contacts", "import", tmp_path / "absent.json", "--out", out)
    assert not out.exists()
