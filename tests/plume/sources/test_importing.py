"""Every file in is imported or quarantined; what is unchanged is not read again, what is gone is removed and told."""

import contextlib
import io
import json
import os
import shutil
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plume.errors import InputError
from plume.sources import archive, folder, importing
from plume.sources.texts import Given

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def put(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return path


def reasons(out: Path) -> dict[str, str]:
    return {row["member"]: row["reason"] for row in folder.read_quarantine(out)}


def text(said: str) -> str:
    return f"<Texte><Paragraphe>{said}</Paragraphe></Texte>"


def adds_up(manifest: dict) -> bool:
    counts = [source["counts"] for source in manifest["sources"]]
    return all(
        each["members"] == each["imported"] + each["quarantined"] == len(source["members"])
        and each["quarantined"] == sum(each["quarantine"].values())
        for each, source in zip(counts, manifest["sources"], strict=True)
    )


def test_the_sample_is_imported_whole(take, sample):
    manifest = take(sample)
    assert adds_up(manifest)
    counts = manifest["counts"]
    assert (counts["members"], counts["imported"]) == (28, 24)
    assert counts["quarantine"] == {"index": 1, "node": 1, "other_file": 1, "resource": 1}
    found = folder.read(take.out)
    assert len(found) == counts["passages"]
    assert len({passage["sheet"] for passage in found}) == 24
    assert {passage["audience"] for passage in found} == {"particuliers", "professionnels"}
    assert all(passage["url"].endswith(f"/vosdroits/{passage['sheet']}") for passage in found)
    assert all(len(passage["text"].split()) <= 110 for passage in found)
    assert not manifest["sources"][0]["unknown"]


def test_a_zip_gives_what_its_folder_gives(take, sample, tmp_path):
    take(sample)
    before = (take.out / "passages.jsonl").read_bytes()
    files = {p.relative_to(sample).as_posix(): p.read_bytes() for p in sample.rglob("*") if p.is_file()}
    take.out = tmp_path / "from-zip"
    take(put(tmp_path / "sheets.zip", files))
    assert (take.out / "passages.jsonl").read_bytes() == before


def test_again_nothing_is_read_nothing_changes(take, xml, tmp_path, monkeypatch):
    path = put(tmp_path / "a.zip", {"F1.xml": xml(), "N1.xml": b"<x/>"})
    take(path)
    before = (take.out / "passages.jsonl").read_bytes()
    monkeypatch.setattr(importing, "_read", lambda *_: pytest.fail("read again"))
    manifest = take(path)
    assert manifest["last_import"]["counts"] == {"new": 0, "changed": 0, "removed": 0}
    assert (take.out / "passages.jsonl").read_bytes() == before
    assert adds_up(manifest)


def test_new_changed_and_vanished_sheets_are_told(take, xml, tmp_path):
    path = tmp_path / "a.zip"
    take(put(path, {f"F{n}.xml": xml(text(f"Délai : {n} jours."), sheet=f"F{n}") for n in (1, 2, 3)}))
    last = take(put(path, {f"F{n}.xml": xml(text(f"Délai : {max(n, 2)} jours."), sheet=f"F{n}") for n in (1, 2, 4)}))[
        "last_import"
    ]
    assert [last[key] for key in ("new", "changed", "removed")] == [["F4"], ["F1"], ["F3"]]
    assert {p["id"]: p["text"] for p in folder.read(take.out)} == {
        "F1#2": "Délai : 2 jours.",
        "F2#1": "Délai : 2 jours.",
        "F4#1": "Délai : 4 jours.",
    }


def test_a_sheet_that_becomes_unreadable_is_removed_and_quarantined(take, xml, tmp_path):
    path = tmp_path / "a.zip"
    take(put(path, {"F1.xml": xml(), "F2.xml": xml(sheet="F2")}))
    manifest = take(put(path, {"F1.xml": xml()[:-20], "F2.xml": xml(sheet="F2")}))
    assert manifest["last_import"]["removed"] == ["F1"]
    assert reasons(take.out) == {"F1.xml": "damaged"}
    assert adds_up(manifest)


def test_a_source_does_not_touch_another_and_a_name_brings_one_up_to_date(take, xml, tmp_path):
    one, other = put(tmp_path / "a.zip", {"F1.xml": xml()}), put(tmp_path / "b.zip", {"F2.xml": xml(sheet="F2")})
    take(one, name="part")
    take(other, name="pro")
    manifest = take(put(tmp_path / "c.zip", {"F3.xml": xml(sheet="F3")}), name="part")
    assert {p["sheet"] for p in folder.read(take.out)} == {"F2", "F3"}
    assert [source["name"] for source in manifest["sources"]] == ["part", "pro"]
    assert manifest["last_import"]["removed"] == ["F1"]


def test_of_two_versions_the_later_is_kept_and_the_same_text_once(take, xml, tmp_path):
    old, new = xml(text("Avant."), date="modified 2025-01-01"), xml(text("Après."), date="modified 2026-01-01")
    first, second = put(tmp_path / "a.zip", {"F1.xml": old}), put(tmp_path / "b.zip", {"F1.xml": new, "F1b.xml": new})
    manifest = take(first, second)
    assert [p["text"] for p in folder.read(take.out)] == ["Après."]
    assert sorted((Path(r["source"]).name, r["member"], r["reason"]) for r in folder.read_quarantine(take.out)) == [
        ("a.zip", "F1.xml", "duplicate"),
        ("b.zip", "F1b.xml", "duplicate"),
    ]
    assert adds_up(manifest)
    put(second, {"F9.xml": xml(sheet="F9")})
    take(second, first)  # the later one is gone: the earlier counts again
    assert sorted(p["sheet"] for p in folder.read(take.out)) == ["F1", "F9"]


def test_a_sheet_for_two_audiences_is_kept_for_each_where_the_texts_differ(take, xml, tmp_path):
    part = put(tmp_path / "a.zip", {"F1.xml": xml(text("Pour vous.")), "F2.xml": xml(text("Commun."), sheet="F2")})
    pro = {
        "F1.xml": xml(text("Pour l'entreprise."), audience="Professionnels"),
        "F2.xml": xml(text("Commun."), sheet="F2", audience="Professionnels"),
    }
    take(part, put(tmp_path / "b.zip", pro))
    assert {p["sheet"]: p["audience"] for p in folder.read(take.out)} == {
        "F1": "particuliers",
        "F1-professionnels": "professionnels",
        "F2": "particuliers",
    }
    assert reasons(take.out) == {"F2.xml": "duplicate"}


def test_what_an_archive_must_not_do(take, xml, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "LARGEST", 100_000)
    path = put(
        tmp_path / "a.zip",
        {
            "../F1.xml": xml(),
            "/etc/F2.xml": xml(sheet="F2"),
            "..\\F3.xml": xml(sheet="F3"),
            "F4.xml": b"<Publication>" + b" " * 10_000_000,
            "F5.xml": xml(sheet="F5"),
            "inner.zip": b"PK",
            "page.html": b"<html/>",
        },
    )
    manifest = take(path)
    assert [p["sheet"] for p in folder.read(take.out)] == ["F5"]
    assert reasons(take.out) == {
        "../F1.xml": "unsafe_name",
        "/etc/F2.xml": "unsafe_name",
        "..\\F3.xml": "unsafe_name",
        "F4.xml": "too_large",
        "inner.zip": "other_file",
        "page.html": "other_file",
    }
    assert adds_up(manifest)
    assert not list(tmp_path.rglob("F*.xml"))
    monkeypatch.setattr(archive, "_EXPANDED", 1_000_000)
    with pytest.raises(InputError, match="give the archive as it is published"):
        take(path)


def test_a_member_that_is_damaged_in_the_archive_is_one_row(take, xml, tmp_path):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        file.writestr("F1.xml", xml())
        file.writestr("F2.xml", xml(sheet="F2"))
    data = made.getvalue().replace(b"26 jours", b"62 jours", 1)  # its checksum no longer fits
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    take(path)
    assert reasons(take.out) == {"F1.xml": "damaged"}
    assert [p["sheet"] for p in folder.read(take.out)] == ["F2"]


def test_texts_of_a_structure_and_a_link_in_its_folder(take, tmp_path):
    there = tmp_path / "mairie"
    there.mkdir()
    (there / "accueil.md").write_text("# Accueil\n\nOuvert à 9 h.")
    (there / "README.md").write_text("# Ce dossier\n\nRien.")
    (there / "link.md").symlink_to(there / "accueil.md")
    (there / ".hidden.md").write_text("caché")
    manifest = take(there, given=Given(network="Mairie", updated="2026-01-02", licence="CC BY 4.0"))
    (passage,) = folder.read(take.out)
    assert passage | {"sha256": ""} == {
        "id": "accueil.md#1",
        "sheet": "accueil.md",
        "kind": "document",
        "title": "Accueil",
        "where": [],
        "text": "Ouvert à 9 h.",
        "url": None,
        "audience": None,
        "network": "Mairie",
        "theme": None,
        "updated_on": "2026-01-02",
        "licence": "CC BY 4.0",
        "sha256": "",
    }
    assert reasons(take.out) == {"README.md": "other_file", "link.md": "unsafe_name"}
    assert adds_up(manifest)
    again = take(there, given=Given(network="CAF"))  # another answer, and it is read again
    assert again["last_import"]["counts"]["changed"] == 1  # it no longer says when it was updated
    assert folder.read(take.out)[0]["network"] == "CAF"


def test_two_structures_may_call_their_texts_alike(take, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "accueil.md").write_text(f"# Accueil\n\nService {name}.")
    take(tmp_path / "a", tmp_path / "b")
    assert len({p["sheet"] for p in folder.read(take.out)}) == 2


def test_a_source_is_removed_by_its_name(take, xml, tmp_path):
    take(
        put(tmp_path / "a.zip", {"F1.xml": xml(), "N1.xml": b"<x/>"}),
        put(tmp_path / "b.zip", {"F2.xml": xml(sheet="F2")}),
    )
    with pytest.raises(InputError, match=r"no source is called so; known: .*a\.zip, .*b\.zip"):
        importing.remove(take.out, "c.zip", NOW)
    manifest = importing.remove(take.out, "a.zip", NOW)
    assert manifest["last_import"]["removed"] == ["F1"]
    assert [p["sheet"] for p in folder.read(take.out)] == ["F2"]
    assert folder.read_quarantine(take.out) == []
    assert importing.remove(take.out, str(tmp_path / "b.zip"), NOW)["sources"] == []
    assert folder.read(take.out) == []


def test_an_import_that_is_cut_off_leaves_the_folder_as_it_was(take, xml, tmp_path, monkeypatch):
    take(put(tmp_path / "a.zip", {"F1.xml": xml()}))
    before = {path.name: path.read_bytes() for path in take.out.iterdir()}

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(importing.sheets, "read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        take(put(tmp_path / "b.zip", {"F2.xml": xml(sheet="F2")}))
    assert {path.name: path.read_bytes() for path in take.out.iterdir()} == before


@pytest.mark.parametrize("renames", range(6))
def test_an_import_that_is_killed_between_two_renames_is_finished_by_the_next(take, xml, tmp_path, renames):
    take(put(tmp_path / "a.zip", {"F1.xml": xml()}))
    other = put(tmp_path / "b.zip", {"F2.xml": xml(sheet="F2")})
    if not (child := os.fork()):
        done, rename = iter(range(renames)), Path.rename
        Path.rename = lambda path, to: os._exit(9) if next(done, None) is None else rename(path, to)
        with contextlib.suppress(BaseException):
            take(other)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    take(put(tmp_path / "c.zip", {"F3.xml": xml(sheet="F3")}))
    assert {p["sheet"] for p in folder.read(take.out)} == {"F1", "F3", *(("F2",) if renames else ())}
    assert sorted(path.name for path in take.out.iterdir()) == ["manifest.json", "passages.jsonl", "quarantine.jsonl"]


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("nowhere.zip", None, "no such file or folder"),
        ("page.html", b"<html/>", "a web page is not read: its menus would become sources; save its text as Markdown"),
        ("sheets.pdf", b"%PDF", "files .pdf are not read; give .xml, .zip, .md or .txt"),
        ("cut.zip", b"PK\x03\x04cut", "is no zip archive, or was cut off; download it again"),
    ],
)
def test_what_cannot_be_imported_is_refused_before_anything_is_written(take, tmp_path, name, content, line):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=line) as error:
        take(path)
    assert "\n" not in str(error.value)
    assert not take.out.exists()


def test_a_folder_that_holds_something_else_is_not_written(take, xml, tmp_path):
    path = put(tmp_path / "a.zip", {"F1.xml": xml()})
    take.out.mkdir()
    (take.out / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something else than sources"):
        take(path)
    take.out = tmp_path
    with pytest.raises(InputError):
        take(tmp_path / "a.zip")


def test_a_folder_that_was_changed_by_hand_is_not_read(take, xml, tmp_path):
    take(put(tmp_path / "a.zip", {"F1.xml": xml()}))
    path = take.out / "passages.jsonl"
    path.write_text(path.read_text().replace("26", "62"))
    with pytest.raises(InputError, match=r"is not what manifest\.json describes"):
        folder.read(take.out)
    (take.out / "manifest.json").write_text(json.dumps({"sources": []}))
    with pytest.raises(InputError, match="damaged"):
        folder.digest(take.out)
    shutil.rmtree(take.out)
    with pytest.raises(InputError, match="not a sources folder"):
        folder.read(take.out)
