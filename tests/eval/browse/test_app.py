"""840 items of three systems: browsed, filtered, noted and downloaded; what is forged or too long is refused."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest

from eval.browse.filters import Filters
from eval.browse.items import Items, index
from eval.browse.notes import LONGEST, Notes


def found(client, query=""):
    """How many items a view shows, as its title says."""
    page = client.get(f"/?{query}")
    assert page.status_code == 200, page.text
    return int(re.search(r"<title>.*?: ([\d\u202f]+)\u00a0avis", page.text)[1].replace("\u202f", ""))


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("", 840),
        ("network=CAF", 420),
        ("sentiment=Positif", 280),
        ("network=CAF&sentiment=Positif", 140),
        ("check=check:promises", 85),  # one of the first system's, 84 of the second's
        ("check=check:promises&change=lost", 84),
        ("check=check:promises&change=lost&system=1", 84),
        ("check=check:promises&change=lost&system=2", 0),
        ("check=check:promises&change=won", 1),
        ("check=check:promises&change=passes&system=1", 756 - 1),  # one draft of it is missing
        ("check=check:promises&change=passes", 756 - 2),
        ("change=passes&system=0", 839),
        ("check=missing", 1),
        ("change=lost&system=1", 85),
        ("change=lost", 840),
        ("text=accueil", 840),  # the structure's name
        ("text=GUICHET+numero+12", 9 + 10),  # 12, 112 …, 120 to 129; accents and case do not count
        ('text="numéro 12."', 1),
        ("text=nulle+part", 0),
        ("text=(.*)%2B", 0),
        ("network=Nulle+part", 0),
        ("noted=yes", 0),
        ("noted=no", 840),
    ],
)
def test_filters(client, query, n):
    assert found(client, query) == n


def test_lengths_cut_the_reviews_in_three(client):
    assert sum(found(client, f"length={name}") for name in ("court", "moyen", "long")) == 840


def order(client, query):
    return re.findall(r'href="/items/(\d+)-1\?', client.get(f"/?{query}").text)


def test_orders(client):
    assert order(client, "")[:2] == ["0000", "0001"]
    assert order(client, "sort=lost")[0] == "0001"
    assert order(client, "sort=won")[0] == "0010"
    assert int(order(client, "sort=longest")[0]) % 7 == 6
    assert int(order(client, "sort=shortest")[0]) % 7 == 0
    assert order(client, "page=42")[-1] == "0839"
    assert order(client, "page=1000") == order(client, "page=42")


def test_a_form_leads_to_an_address_that_says_only_what_filters(client):
    answer = client.get("/?text=&network=CAF&check=&page=1", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/?network=CAF")


def test_an_item_shows_all_systems_with_differences_and_findings(client):
    page = client.get("/items/0001-1?check=check:promises").text
    assert page.count("<h3 ") == 4  # the published reply, three systems
    rule = '<small class="rule">promise.we-shall</small>'
    assert f"<mark>Nous <ins>vous rappellerons</ins> {rule}</mark><ins> demain." in page
    assert "<ins>l’accueil </ins>" in page
    assert "Trop peu de mots communs" in page  # the third system's
    assert "1 sur 85" in page
    assert 'rel="next" href="/items/0010-1?check=check%3Apromises"' in page
    assert 'rel="prev"' not in page
    assert "<del>" not in page  # against which of two?
    other = client.get("/items/0001-1?against=reply").text
    assert "<ins>sur le guichet " in other
    assert "Pas de brouillon : <code>cut off</code>." in client.get("/items/0005-1").text.replace("\u00a0", " ")
    outside = client.get("/items/0002-1?network=CAF").text
    assert "Hors des filtres choisis" in outside
    assert 'rel="next"' not in outside


def test_texts_and_names_run_no_script(client, note_on):
    assert note_on("0007-1", "<script>alert(1)</script></textarea><b>").status_code == 303
    for address in ("/", "/?text=<script>alert(1)</script>", "/items/0007-1"):
        page = client.get(address)
        assert "<script>" not in page.text
        assert "<b>" not in page.text
        assert "script-src 'self'" in page.headers["content-security-policy"]


def test_a_note_is_kept_found_and_replaced(client, note_on, items, lines):
    assert note_on("0003-1", " À revoir avec l’équipe\r\n").headers["location"] == "/items/0003-1?#note"
    assert "À revoir avec l’équipe</textarea>" in client.get("/items/0003-1").text
    assert found(client, "noted=yes") == found(client, "text=a+REVOIR") == 1
    note_on("0003-1", "Vu")
    note_on("0003-1", "Vu")  # the same: no row
    note_on("0003-1", "")
    assert found(client, "noted=yes") == 0
    assert [(row["id"], row["note"]) for row in lines(items.notes.path)] == [
        ("0003-1", "À revoir avec l’équipe"),
        ("0003-1", "Vu"),
        ("0003-1", ""),
    ]


def test_a_note_that_was_changed_elsewhere_is_not_replaced(note_on, client, items):
    note_on("0003-1", "la mienne")
    answer = note_on("0003-1", "la vôtre", before="0" * 64)
    assert answer.status_code == 409
    assert "la vôtre</textarea>" in answer.text
    assert '<p class="text">la mienne</p>' in answer.text
    assert items.notes.of("0003-1") == "la mienne"


def test_a_note_of_many_lines_is_as_long_as_the_field_says(note_on, items):
    """A browser counts a return as one character, and sends two."""
    assert note_on("0003-1", "x\r\n" * (LONGEST // 2)).status_code == 303
    assert len(items.notes.of("0003-1")) == LONGEST - 1  # the last return is no text


def test_forged_and_oversized_notes_are_refused(client, note_on, items):
    assert note_on("0003-1", "x" * (LONGEST + 1)).status_code == 413
    assert note_on("0003-1", "x" * 1_000_000).status_code == 413
    assert note_on("0003-1", "x", token="").status_code == 403
    evil = {"origin": "https://evil.example"}
    assert client.post("/items/0003-1", data={"note": "x"}, headers=evil).status_code == 403
    assert client.post("/items/9999-1", data={"note": "x"}).status_code == 403
    assert not items.notes.path.exists()


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/items/9999-1", 404),
        ("/items/..%2F..%2Fetc%2Fpasswd", 404),
        ("/download.exe", 404),
        ("/?unknown=1", 422),
        ("/?page=0", 422),
        ("/?page=1e9", 422),
        ("/?sort=review;drop", 422),
        ("/?change=gone", 422),
        ("/?check=check:nothing", 422),
        ("/?system=3", 422),
        ("/?system=-1", 422),
        ("/?against=<b>", 422),
        ("/?text=" + "x" * 201, 422),
        ("/?text=" + "x" * 5000, 414),
        ("/download.csv?system=99", 422),
        ("/items/0001-1?system=٣", 422),
        ("/?text=%00%ff", 200),
    ],
)
def test_addresses_made_by_hand(client, address, status):
    answer = client.get(address)
    assert answer.status_code == status
    assert '<html lang="fr">' in answer.text


def test_what_is_filtered_is_downloaded_as_csv(client, note_on):
    note_on("0011-1", "@SUM(A1)")
    answer = client.get("/download.csv?check=check:promises&change=lost")
    assert 'filename="plume-avis.csv"' in answer.headers["content-disposition"]
    head, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";")
    assert len(rows) == 84
    assert head[0] == "avis"
    assert head[8:12] == [
        "brouillon (En service : base)",
        "contrôles en échec (En service : base)",
        "brouillon (Candidat : plume-reply 4)",
        "contrôles en échec (Candidat : plume-reply 4)",
    ]
    by_id = {row[0]: row for row in rows}
    assert by_id["0011-1"][-1] == "'@SUM(A1)"
    assert not [cell for row in rows for cell in row if cell.lstrip()[:1] in tuple("=+-@")]
    assert by_id["0011-1"][12].startswith("'=1+1 11.")


def test_what_is_filtered_is_downloaded_as_json_lines(client, note_on):
    note_on("0001-1", "noté")
    everything = [json.loads(line) for line in client.get("/download.jsonl").text.splitlines()]
    assert len(everything) == 840
    one = everything[1]
    assert one["review"].startswith("J’ai attendu 1 minutes")
    assert one["note"] == "noté"
    assert one["drafts"][0]["system"] == "En service : base"
    assert one["drafts"][1]["failed"][0]["rules"] == ["promise.we-shall"]
    assert one["drafts"][2]["draft"].startswith("=1+1")


def test_numbers_of_reviews_are_ordered_as_people_count(browsed, tmp_path):
    pairs = [browsed.pairs[0] | {"id": name} for name in ("10-1", "9-2", "9-1", "b²-1", "b-1")]
    few = replace(browsed, pairs=pairs, notes=tmp_path / "notes.jsonl")
    found, _ = Items(few, index(few), Notes(few.notes)).order(Filters(sort="id"))
    assert [item.id for item in found] == ["9-1", "9-2", "10-1", "b-1", "b²-1"]
