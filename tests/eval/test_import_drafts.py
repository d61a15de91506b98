"""Drafts written elsewhere become drafts.jsonl, whatever the file looks like; nothing is dropped without a word."""

import json
from pathlib import Path

import pytest

from eval.compare import compare
from eval.drafts import read_drafts, read_pairs
from eval.import_drafts import import_drafts
from eval.score import score
from plume.errors import InputError
from plume.files import read_jsonl

GATES = Path(__file__).parents[2] / "configs" / "eval"


@pytest.fixture
def small(make_data):
    return make_data(4)


TEXT = "Bonjour, merci de votre avis sur « l’accueil » n° {}. L’équipe en a été informée ; à bientôt."
TEXTS = [TEXT.format(i) for i in range(4)]


def _sheet(columns, separator, ids=("0000-1", "0001-1", "0002-1", "0003-1")):
    cells = [f'{i}{separator}"{text}"' for i, text in zip(ids, TEXTS, strict=True)]
    return "\r\n".join([separator.join(columns), *cells]) + "\r\n"


FILES = {
    "excel.csv": _sheet(("N° avis", "Réponse proposée"), ";").encode("cp1252"),
    "bom.csv": _sheet(("id", "draft"), ",").encode("utf-8-sig"),
    "told.csv": ("sep=;\r\n" + _sheet(("Identifiant", "Brouillon"), ";")).encode(),
    "unicode.txt": _sheet(("ID de l'avis", "Texte du brouillon"), "\t").encode("utf-16"),
    "spaced.csv": _sheet((" ID_Avis ", "PROJET DE RÉPONSE"), "|", ("0000 - 1", "0001_1", "0002/1", "0003–1")).encode(),
    "experiences.csv": _sheet(("ID expérience", "Réponse"), ";", ("0000", "0001", "0002", "0003")).encode(),
    "twice-decoded.csv": _sheet(("id", "réponse"), ";").encode().decode("cp1252", "replace").encode(),
    "array.json": json.dumps([{"id": f"000{i}-1", "draft": t} for i, t in enumerate(TEXTS)]).encode(),
    "batch.jsonl": "".join(
        json.dumps({"custom_id": f"000{i}-1", "response": t}) + "\n" for i, t in enumerate(TEXTS)
    ).encode(),
    "by-id.json": json.dumps({f"000{i}-1": t for i, t in enumerate(TEXTS)}).encode(),
    "wrapped.json": json.dumps(
        {"vendor": "X", "drafts": [{"review_id": f"000{i}-1", "completion": t} for i, t in enumerate(TEXTS)]}
    ).encode(),
}


@pytest.mark.parametrize("name", FILES)
def test_files_as_people_send_them(small, tmp_path, name):
    file = tmp_path / name
    file.write_bytes(FILES[name])
    import_drafts(file, "Prestataire", small, out := tmp_path / "drafts.jsonl")
    drafts = read_drafts(out)
    assert drafts.tied
    assert drafts.name == "Prestataire"
    assert [pair["id"] for pair in read_pairs(small, drafts)] == [*drafts.rows]
    if name == "twice-decoded.csv":  # what was lost on the way to it stays lost; accents come back
        assert "informée ; à bientôt." in drafts.text("0000-1")
    else:
        assert [drafts.text(f"000{i}-1") for i in range(4)] == TEXTS


def test_every_line_is_told_and_counted(make_data, tmp_path, capsys):
    data = make_data(6)
    text = "Bonjour, merci. Madame Sylvie Lacombe vous rappellera au 06 12 34 56 78."
    file = tmp_path / "sent.csv"
    file.write_text(
        f"id;draft;note\n0000-1;{text};\n0001-1;Un;\n0001-1;Deux;\n0002-1;Même;\n0002-1;Même;\n0003-1;NaN;\n"
        "9999-1;Inconnu;\n;Sans id;\n0004-1;une;cellule;de;trop\n",
        encoding="utf-8",
    )
    import_drafts(file, "Prestataire", data, out := tmp_path / "drafts.jsonl")
    rows = {row["id"]: row.get("draft") or row["error"] for row in read_jsonl(out)}
    assert rows == {
        "0000-1": text,
        "0001-1": "two drafts that differ (lines 3, 4)",
        "0002-1": "Même",
        "0003-1": "empty draft",
        "0004-1": "no draft in the file",
        "0005-1": "no draft in the file",
    }
    left = read_jsonl(tmp_path / "drafts.left-out.jsonl")
    assert [(row["line"], row["id"]) for row in left] == [(8, "9999-1"), (9, None), (10, None)]
    assert not [row for row in left if "draft" in row or "text" in row]
    told = capsys.readouterr().out
    for line in (
        "2 drafts for the 6 of test",
        "no draft, no draft in the file: 2 (0004-1, 0005-1)",
        "no draft, two drafts that differ: 1 (0001-1)",
        "no draft, empty draft: 1 (0003-1)",
        "twice with the same text, taken once: 1 (0002-1)",
        "3 lines of sent.csv left out",
        "look like they hold personal data, kept as written, and compare tolerates none: 1 (0000-1)",
    ):
        assert line in told
    with pytest.raises(InputError, match="--force"):
        import_drafts(file, "Prestataire", data, out)
    file.write_text("id,draft\n0000-1,Bonjour.\n")
    import_drafts(file, "Prestataire", data, out, force=True)
    assert not (tmp_path / "drafts.left-out.jsonl").exists()  # of the lines before


def test_what_answers_nothing_is_refused_in_one_line(small, tmp_path):
    file, out = tmp_path / "sent.csv", tmp_path / "drafts.jsonl"

    def refused(content, match, system="Prestataire", **more):
        file.write_bytes(content)
        with pytest.raises(InputError, match=match) as told:
            import_drafts(file, system, small, out, **more)
        assert "\n" not in str(told.value)
        assert not out.exists()

    refused(b"", "sent.csv: cannot be read as drafts .*empty")
    refused(b"PK\x03\x04rest", "an Excel workbook")
    refused(b"id;draft\n77-1;Bonjour\n", "no draft for test .* first id '77-1', expected ones such as '0000-1'")
    refused(b"nom;note\nA;B\n", "no column is known to hold the id; name it with --id-column: nom, note")
    refused(b"id;draft\n0000-1;Bonjour\n", "no column 'avis' .--id-column.; it has: id, draft", id_column="avis")
    refused(b"id;draft\n0000-1;Bonjour\n", "from one column", id_column="draft")
    refused(b"0000-1;Bonjour\n0001-1;Bonsoir\n", "has no line of headers; put one first, such as: id;draft")
    refused(b"id;draft\n0000-1;Bonjour;merci\n", "holds no draft .line 2 has 3 cells, the header 2.")
    for name in ("plume-reply@v3", "adapter:abc", "", "a\nb", "x" * 61):
        refused(b"id;draft\n0000-1;Bonjour\n", "--system", system=name)
    with pytest.raises(InputError, match="no such file"):
        import_drafts(tmp_path / "none.csv", "Prestataire", small, out)


def test_texts_keep_their_lines_and_signs(small, tmp_path):
    file, text = tmp_path / "sent file.csv", 'Bonjour,\n\n« Merci » ; à "bientôt"\u00a0!'
    quoted = text.replace('"', '""')
    file.write_text(f'id;commentaire;draft\r\n0000-1;"a;b";"{quoted}"\r\n0001-1;;=SOMME(1)\r\n', encoding="utf-8")
    import_drafts(file, "A", small, out := tmp_path / "a.jsonl")
    assert read_drafts(out).text("0000-1") == text.replace("\u00a0", " ")
    assert read_drafts(out).text("0001-1") == "=SOMME(1)"
    file.write_text(json.dumps([{"id": "0000-1", "draft": text}], indent=2) + "[", encoding="utf-8")
    with pytest.raises(InputError) as told:
        import_drafts(file, "A", small, tmp_path / "b.jsonl")
    assert str(told.value).count("sent file.csv") == 1


def test_texts_that_were_cut_at_their_line_ends_are_told(small, tmp_path, capsys):
    file = tmp_path / "sent.csv"
    cut = "id;draft\n0000-1;Bonjour,\nMerci.\n"
    file.write_text(cut, encoding="utf-8")
    with pytest.raises(InputError, match="every draft is cut where line 3 begins"):
        import_drafts(file, "A", small, tmp_path / "a.jsonl")
    file.write_text(cut + '0001-1;"Bonjour,\nMerci."\n', encoding="utf-8")
    import_drafts(file, "A", small, out := tmp_path / "a.jsonl")
    assert "1 lines of sent.csv left out: has 1 cells, the header 2 (1)" in capsys.readouterr().out
    assert read_drafts(out).text("0000-1") is None  # and not "Bonjour,"
    assert "cut where line 3 begins" in read_drafts(out).rows["0000-1"]["error"]


def test_the_answers_of_a_batch_are_read(small, tmp_path):
    file, answer = tmp_path / "batch.jsonl", {"body": {"choices": [{"message": {"content": "Bonjour."}}]}}
    file.write_text(json.dumps({"custom_id": "0000-1", "response": answer}) + "\n", encoding="utf-8")
    import_drafts(file, "A", small, out := tmp_path / "a.jsonl")
    assert read_drafts(out).text("0000-1") == "Bonjour."


def test_columns_may_be_named(small, tmp_path):
    file = tmp_path / "sent.csv"
    file.write_text("clé;brouillon;version finale\n0000-1;Un;Deux\n", encoding="utf-8")
    import_drafts(file, "A", small, out := tmp_path / "a.jsonl", id_column="clé")
    assert read_drafts(out).text("0000-1") == "Un"
    import_drafts(file, "B", small, out := tmp_path / "b.jsonl", id_column="clé", draft_column="version finale")
    assert read_drafts(out).text("0000-1") == "Deux"


def test_an_imported_system_is_compared_and_never_passes(make_data, make_drafts, few_probes, texts, tmp_path):
    data = make_data(60)
    champion = make_drafts(data, "base", lambda i: texts["worse"].format(i))
    file, asked = tmp_path / "sent.jsonl", tmp_path / "probes.csv"
    sent = [{"id": f"{i:04d}-1", "draft": texts["good"].format(i)} for i in range(60)]
    file.write_text("".join(json.dumps(row) + "\n" for row in sent), encoding="utf-8")
    lines = [json.loads(line)["id"] for line in few_probes.read_text(encoding="utf-8").splitlines()]
    asked.write_text("id;draft\n" + "".join(f'{i};"{texts["good"]}"\n' for i in lines), encoding="utf-8")
    import_drafts(file, "Prestataire", data, out := tmp_path / "sent-drafts.jsonl", probes=asked)
    assert read_drafts(tmp_path / "sent-drafts.probes.jsonl").text(lines[0]) == texts["good"]
    assert score(out, data, tmp_path / "sent-scores.jsonl").estimates["pass_all"].estimate == 1

    for name in ("gate.yaml", "gate-systems.yaml"):  # no rule lets it pass
        verdict = compare(champion, out, data, GATES / name, tmp_path / name)
        assert verdict.outcome == "INCONCLUSIVE"
        (told,) = (reason for reason in verdict.reasons if "importés" in reason)
        assert "ni de remplacer ni de refuser" in told
        gain = next(x for x in verdict.estimates if (x.measure, x.arm, x.slice) == ("pass_all", "difference", None))
        assert gain.value.lower > 0.85
        assert not [reason for reason in verdict.reasons if "réglages (" in reason]  # said once
    assert "brouillons importés" in (tmp_path / "gate.yaml" / "report.html").read_text(encoding="utf-8")
    worse = compare(out, champion, data, GATES / "gate.yaml", tmp_path / "back")
    assert worse.outcome == "INCONCLUSIVE"  # nor does anything fail against it
