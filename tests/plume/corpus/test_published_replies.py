"""Published replies of a dataset folder become sources, without what is of one citizen's case."""

import json
import re
from datetime import UTC, datetime

from typer.testing import CliRunner

from plume.corpus import forget_search
from plume.corpus.cli import app as corpus
from plume.corpus.cli_sources import app
from plume.corpus.dataset import read_split
from plume.corpus.published_replies import ENDING, read
from plume.sources import folder as sources
from plume.sources.importing import Job, import_files
from plume.sources.sheets import Refused
from plume.sources.texts import Given

PAIR = {
    "id": "901-2",
    "structure": "CAF du Tarn",
    "network": "CAF",
    "replied_on": "2026-02-03",
    "reply": "Bonjour [USAGER],\nLe délai est de 26 jours. Votre dossier [DOSSIER_1] est clos. Joignez une photo.",
}


def test_a_reply_keeps_the_sentences_without_a_mark():
    found = read(json.dumps(PAIR).encode(), "901-2")
    assert [block.text for block in found.blocks] == ["Le délai est de 26 jours.", "Joignez une photo."]
    assert found._replace(blocks=()) == (
        *("901-2", "reply", "Réponse publiée – CAF du Tarn", (), None, None, "CAF", None, "2026-02-03", None),
    )


def test_a_reply_of_marks_alone_is_quarantined():
    found = read(json.dumps(PAIR | {"reply": "Bonjour [USAGER]"}).encode(), "901-2")
    assert isinstance(found, Refused)
    assert found.reason == "empty"


def test_a_reply_of_two_dataset_folders_is_kept_once_under_its_pairs_id(tmp_path):
    for name, said in (("old", "Le délai est de 26 jours."), ("new", "Le délai est de [N] jours. Écrivez-nous.")):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"901-2{ENDING}").write_text(json.dumps(PAIR | {"reply": said}))
    job = Job(Given(), datetime.now(UTC), find=list, readers={ENDING: read})
    manifest = import_files([tmp_path / "old", tmp_path / "new"], tmp_path / "out", job)
    assert {p["sheet"] for p in sources.read(tmp_path / "out")} == {"901-2"}
    assert manifest["counts"]["quarantine"] == {"duplicate": 1}


def test_the_command_takes_a_dataset_folder_beside_files(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    text = tmp_path / "accueil.txt"
    text.write_text("Accueil\n\nOuvert à 9 h. Écrivez à M. Bernard Lefebvre, 06 12 34 56 78.")
    run = CliRunner().invoke(app, ["import", str(folder), str(text), "--network", "Mairie", "--no-ner"])
    assert run.exit_code == 0, run.output
    at = tmp_path / "home" / "sources"
    found = sources.read(at)
    train = {pair["id"] for pair in read_split(folder, "train")}
    assert {p["sheet"] for p in found if p["kind"] == "reply"} == train
    assert not any(re.search(r"\[\w+\]", p["text"]) for p in found if p["kind"] == "reply")
    assert [p["network"] for p in found if p["kind"] == "document"] == ["Mairie"]
    assert "masked as personal data: PERSONNE 1, TEL 1" in run.output
    assert f"= {len(train)} imported" in run.output
    shown = CliRunner().invoke(app, ["status"])
    assert "reply, no audience: " in shown.output
    # What must be erased is found by the experience's id; a new import without it removes it.
    experience = min(train).rpartition("-")[0]
    assert at / "passages.jsonl" in forget_search.mentions([experience], [at], [])
    done = CliRunner().invoke(corpus, ["forget", experience, "--in", str(tmp_path), "--in", str(folder)])
    assert f"import the dataset folder into it again, as plume data sources status {at} names it" in done.output


def test_a_name_is_of_one_source(tmp_path):
    page, out = tmp_path / "a.md", str(tmp_path / "out")
    page.write_text("Oui, ouvert.")
    run = CliRunner().invoke(app, ["import", str(page), str(page), "--name", "x"])
    assert str(run.exception).startswith("--name: names one source")
    CliRunner().invoke(app, ["import", str(page), "--name", "x", "--out", out, "--no-ner"])
    removed = CliRunner().invoke(app, ["remove", "x", "--out", out])
    assert "0 new, 0 changed, 1 removed" in removed.output


def test_one_line_for_what_is_wrong(refused, folder, tmp_path):
    (folder / "train.jsonl").write_text("")
    assert "build the dataset folder again" in refused("data", "sources", "import", folder, "--out", tmp_path / "out")
    assert "updated: 'hier' is no date" in refused("data", "sources", "import", folder, "--updated", "hier")
