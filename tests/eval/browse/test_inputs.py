"""What may be browsed: a verdict, drafts, both; and what is refused in one line."""

import html
import json
import re
import shutil
import signal
import subprocess
import sys

import httpx
import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from eval.browse import ADDRESS
from eval.browse.app import make
from eval.browse.inputs import to_browse
from eval.browse.items import Items, index
from eval.browse.notes import Notes
from eval.cli import app
from eval.compare import compare
from eval.compare_several import compare_several
from plume.errors import InputError
from plume.paths import ROOT

N = 12
UNSAFE = " Appelez le 01 99 00 12 34 ou voyez https://exemple-faux.fr"


@pytest.fixture
def drafts(make_data, make_drafts, texts):
    """A dataset, and drafts of three systems: good, worse, good but for one that failed."""
    data = make_data(N)
    made = {
        "base": lambda i: texts["good"].format(i),
        "plume-reply": lambda i: (texts["worse"] if i < 3 else texts["good"] + UNSAFE * (i == 4)).format(i),
        "autre": lambda i: RuntimeError("cut off") if i == 5 else texts["good"].format(i),
    }
    return data, {name: make_drafts(data, name, text) for name, text in made.items()}


def test_a_verdict_knows_its_drafts_its_dataset_and_its_scores(drafts, tmp_path):
    data, made = drafts
    out = tmp_path / "results" / "verdict"
    compare(made["base"], made["plume-reply"], data, ROOT / "configs/eval/gate.yaml", out)
    for named in (out, out / "verdict.json"):
        found = to_browse([named], None)
        assert [system.name for system in found.systems] == ["En service : base", "Candidat : plume-reply"]
        assert len(found.pairs) == N
        assert found.notes == out / "notes.jsonl"
        lost = found.systems[1].failed["0000-1"]
        assert set(lost) == {"check:length", "check:greeting"}
        assert lost["check:greeting"].rules == ("greeting.none",)
        assert dict(found.systems[1].failed["0004-1"]["check:contacts"].passages) == {
            "01 99 00 12 34": ("phone.french",),
            "https://exemple-faux.fr": ("contact.web-address",),
        }
        assert "0000-1" not in found.systems[0].failed
    # each row of the report leads to its item, among those that fail the same check
    client = TestClient(make(Items(found, index(found), Notes(found.notes))), base_url=ADDRESS)
    links = re.findall(rf'href="{ADDRESS}(/items/[^"]+)"', (out / "report.html").read_text(encoding="utf-8"))
    assert len(links) > 6
    for address in links:
        page = client.get(html.unescape(address))
        assert page.status_code == 200
        assert f"<h1>Avis {address[7:13]}</h1>" in page.text
        assert "Hors des filtres" not in page.text

    three = to_browse([out, made["autre"], made["base"]], data)
    assert [system.name for system in three.systems][2:] == ["autre"]
    assert not three.systems[2].drafts.text("0005-1")

    # moved together, they are found; moved apart, they are to be named
    shutil.copytree(tmp_path, tmp_path.parent / "moved", dirs_exist_ok=True)
    assert to_browse([tmp_path.parent / "moved" / "results" / "verdict"], None).pairs == found.pairs
    made["base"].rename(tmp_path / "elsewhere.jsonl")
    made["base"].with_suffix(".meta.json").rename(tmp_path / "elsewhere.meta.json")
    with pytest.raises(InputError, match=r"the system en service \(champion\) are not where they were; name them, too"):
        to_browse([out], None)
    assert to_browse([out, tmp_path / "elsewhere.jsonl"], None).pairs == found.pairs

    # a verdict of before it named its files
    file = out / "verdict.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    del document["files"]
    file.write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InputError, match="are not where they were"):
        to_browse([out], data)
    named = [out, tmp_path / "elsewhere.jsonl", made["plume-reply"]]
    with pytest.raises(InputError, match="does not name its dataset folder; name it with --data DIR"):
        to_browse(named, None)
    assert to_browse(named, data).systems[1].failed == found.systems[1].failed


def test_the_verdicts_of_a_ranking_are_shown_together(drafts, tmp_path):
    data, made = drafts
    gate = ROOT / "configs/eval/gate.yaml"
    compare_several(made["base"], [made["plume-reply"], made["autre"]], data, gate, tmp_path / "ranking")
    found = to_browse([tmp_path / "ranking"], None)
    names = [system.name for system in found.systems]
    assert names == ["En service : base", "Candidat : plume-reply", "Candidat : autre"]
    assert found.notes == tmp_path / "ranking" / "notes.jsonl"
    one, two = sorted(folder for folder in (tmp_path / "ranking").iterdir() if folder.is_dir())
    assert [system.name for system in to_browse([one, two / "verdict.json"], None).systems] == names
    compare(made["autre"], made["base"], data, gate, tmp_path / "other")
    with pytest.raises(InputError, match="of another champion than"):
        to_browse([one, tmp_path / "other"], None)

    # the command serves them until Ctrl-C, and logs nothing that was asked
    command = [sys.executable, "-m", "plume.cli", "eval", "browse", tmp_path / "ranking", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            address = running.stdout.readline().split()[0]
            page = httpx.get(f"{address}?change=won&text=secret", timeout=60).text
        finally:
            running.send_signal(signal.SIGINT)
            out, told = running.communicate(timeout=60)
    assert '<h2 id="resultats">0\u00a0avis sur 12</h2>' in page
    assert (running.returncode, out) == (0, "")
    assert "secret" not in told


def test_drafts_alone_are_scored(drafts):
    data, made = drafts
    found = to_browse([made["plume-reply"], made["plume-reply"]], data)
    assert [system.name for system in found.systems] == ["plume-reply", "plume-reply (n° 2)"]
    assert set(found.systems[0].failed) == {"0000-1", "0001-1", "0002-1", "0004-1"}
    assert found.notes.name == "plume-reply.notes.jsonl"


def test_what_cannot_be_browsed_is_refused_in_one_line(drafts, make_data, tmp_path):
    data, made = drafts

    def refused(*args):
        done = CliRunner().invoke(app, ["browse", *map(str, args), "--port", "0"])
        assert isinstance(done.exception, InputError), done.exception
        return str(done.exception)

    assert refused(made["base"]).startswith("--data DIR: name the dataset folder")
    assert refused(tmp_path).endswith("name the folder of a verdict, or drafts.jsonl")
    assert "no such file" in refused(tmp_path / "nowhere.jsonl", "--data", data)
    assert "is no verdict" in refused(tmp_path / "base.meta.json")
    assert "another dataset" in refused(made["base"], "--data", make_data(3, "other"))
    assert "holds no note" in refused(made["base"], "--data", data, "--notes", made["base"])
    (tmp_path / "verdict.json").write_text("{}", encoding="utf-8")
    assert "is no verdict" in refused(tmp_path)
