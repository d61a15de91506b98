"""The guides are followed: each command of their blocks, in their order, on a tiny model and the invented export."""

import re
import shutil
import zipfile
from pathlib import Path

import pytest

from plume.corpus.dataset import read_split
from plume.models import EMBEDDED
from plume.paths import ROOT
from tests.docs.guides import blocks, plume_commands
from tests.docs.reader import SMALL, Reader, call, lines
from tests.train.preferences.conftest import DRAFT, THANKS

# What a command is given more than the guide says, so that it is done in seconds.
SETTINGS = {
    "data build": ["ner=false"],
    "eval generate": ["--max-new-tokens", "4"],
    "eval study plan": ["agents=4", "items=4", "comparisons=2", "finals=2"],
    "train preferences": ["dtype=float32", "ner=false", "recompute=false", "least_judgements=2", "max_epochs=1"],
    "train compare": [],
    "train export": [],
    "train ": [*SMALL, f"base.model={EMBEDDED}"],  # the name under which the tiny model stands
}
# Not run here: why, and which test runs it.
ELSEWHERE = {
    r"plume doctor --site": ("ten minutes on a GPU", "tests/plume/acceptance/test_run.py"),
    r"plume serve( \w+=\S+)*$": ("becomes an engine", "tests/serve/test_vllm.py"),
    r"plume serve (sync|backup)": ("wants a server's state", "tests/serve/test_runbook.py"),
    r"plume serve decisions": ("wants a server's state", "tests/serve/guard/test_draft_service.py"),
    r"plume serve desk": ("serves until it is stopped", "tests/serve/desk/test_run.py"),
    r"plume eval browse": ("serves until it is stopped", "tests/eval/browse/test_app.py"),
    r"plume eval study serve": ("serves until it is stopped", "tests/eval/study/test_whole_path.py"),
    r"plume eval study (analyse|export|forget)": ("wants agents' answers", "tests/eval/study/test_whole_path.py"),
    r"plume eval (time|compare) .*--(study|ratings)": ("wants agents' answers", "tests/eval/study/test_whole_path.py"),
    r"plume eval promote \d+ --verdict \S+$": ("wants a PASS", "tests/eval/test_promote.py"),
    r"plume eval promote \d+ --initial": ("there is a champion", "tests/eval/test_promote.py"),
    r"plume data contacts import": ("writes into the clone", "tests/plume/corpus/test_contacts_import.py"),
    r"plume train .*--processes": ("wants several GPUs", "tests/train/test_processes.py"),
    r"make ": ("installs, and runs all", "tests/plume/test_demo.py"),
    r"docker ": ("wants docker", "tests/serve/render/test_containers.py"),
    r"kubectl ": ("wants a cluster", "tests/serve/render/test_validated.py"),
    r"mlflow ": ("serves until it is stopped", "tests/plume/test_tracking.py"),
}
GUIDES = ["README.md", *(f"docs/{name}.md" for name in ("ml-engineer", "evaluator", "dpo", "sources", "kubernetes"))]
TEXTS = {
    "RUN RUN…": "RUN RUN",
    "sources=FOLDER": "sources=SOURCES",
    "remove NAME": 'remove "$PWD/vosdroits-latest.zip"',
    "--verdict …": "--verdict VERDICT/verdict.json",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory, tiny_mistral, sample_export):
    """A home whose embedded model is the tiny one, with a dataset, five versions trained on it, and a champion."""
    home = tmp_path_factory.mktemp("guides")
    (home / "models").mkdir()
    (home / "models" / EMBEDDED).symlink_to(tiny_mistral)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setenv("PLUME_HOME", str(home))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        call("data", "build", sample_export, "ner=false", "--out", "data")
        for number in range(1, 6):
            call("train", ROOT / "configs/train/demo.yaml", "data=data", f"out=run-{number}", f"seed={number}", *SMALL)
        call("eval", "promote", "1", "--initial", "--reason", "the first", "--by", "a test")
    return home


@pytest.fixture
def reader(prepared, tmp_path, monkeypatch, sample_export, tiny_mistral):
    """A reader with a folder and a home of their own."""
    monkeypatch.chdir(tmp_path)
    home = Path(shutil.copytree(prepared, tmp_path / "home", symlinks=True))
    monkeypatch.setenv("PLUME_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("configs", "datasets"):
        (tmp_path / name).symlink_to(ROOT / name)
    return Reader(
        tmp_path,
        TEXTS | {"ID…": read_split(home / "data", "train")[0]["id"].partition("-")[0]},
        inputs(home, sample_export, tiny_mistral),
        SETTINGS,
        ELSEWHERE,
    )


def inputs(home, export, base):
    """What the guides' commands read: a name, and what makes it."""

    def drafts(system):
        return lambda path: call(
            "eval",
            "generate",
            "--system",
            system,
            "--data",
            home / "data",
            "--probes",
            "--gate",
            "configs/eval/gate.yaml",
            "--max-new-tokens",
            4,
            "--out",
            path,
        )

    def imported(path):
        lines(
            path.with_suffix(".rows"),
            [{"id": pair["id"], "draft": "Bonjour, merci."} for pair in read_split(home / "data", "test")],
        )
        call("eval", "import", path.with_suffix(".rows"), "--system", "Vendor", "--data", home / "data", "--out", path)

    def sent(path):
        rows = [f'{pair["id"]},"Bonjour, merci de votre avis."' for pair in read_split(home / "data", "test")]
        path.write_text("\n".join(["id,draft", *rows]) + "\n")

    def decisions(path):
        rows = []
        for pair in read_split(home / "data", "train"):
            draft = DRAFT.format((pair["title"] or "cette attente").lower())
            said = {"id": pair["id"], "draft": draft, "final": f"{draft} {THANKS}", "outcome": "edited"}
            rows.append(said | {"version": 1, "seconds": 30})
        lines(path, rows)

    def shadow(path):
        call("train", "configs/train/demo.yaml", f"data={home / 'data'}", f"out={path}", *SMALL, "canaries=8")

    def verdict(path):
        first, second = (path.parent / f"{path.name}-{n}.jsonl" for n in (1, 4))
        drafts("1")(first), drafts("4")(second)
        path.parent.mkdir(parents=True, exist_ok=True)
        call("eval", "compare", first, second, "--data", home / "data", "--out", path)

    def archive(path):
        with zipfile.ZipFile(path, "w") as made:
            for sheet in (ROOT / "datasets/sources/particuliers").rglob("*.xml"):
                made.write(sheet, sheet.name)

    def pages(path):
        path.mkdir()
        (path / "accueil.md").write_text(
            "# Accueil\n\nLe guichet ouvre à 9 heures du lundi au vendredi, sans rendez-vous.\n"
        )

    dataset = lambda path: shutil.copytree(home / "data", path)  # noqa: E731
    link = lambda to: lambda path: path.symlink_to(to)  # noqa: E731
    recipe = lambda path: path.write_text((ROOT / "configs/train/openhermes2-lora.yaml").read_text())  # noqa: E731
    return {
        "EXPORT": link(export),
        "FOLDER": link(base),
        "serve.yaml": lambda path: path.write_text("site:\n  server_name: plume.example\n"),
        "DATA": dataset,
        "DIR": dataset,
        "CONFIG": recipe,
        "RECIPE": recipe,
        "RUN": lambda path: shutil.copytree(home / "run-1", path),
        "SHADOW": shadow,
        "VERDICT": verdict,
        "VERDICT/verdict.json": lambda path: verdict(path.parent),
        "SOURCES": lambda path: call("data", "sources", "import", ROOT / "datasets/sources", "--out", path),
        "PAGES": pages,
        "vosdroits-latest.zip": archive,
        "decisions.jsonl": decisions,
        "FILE": decisions,
        "sent.csv": sent,
        "champion.jsonl": drafts("champion"),
        "v3.jsonl": drafts("3"),
        "v4.jsonl": drafts("4"),
        "v5.jsonl": drafts("5"),
        "base.jsonl": drafts("base"),
        "vendor.jsonl": imported,
    }


@pytest.mark.long
@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_is_followed(reader, guide):
    reader.follow(guide)
    wrong = [each for each in reader.done if each[1] not in (0, 10, 20)]
    assert reader.done
    assert not wrong


def test_what_is_run_elsewhere_is_in_a_guide_and_in_a_test():
    typed = [f"plume {' '.join(words)}" for guide in GUIDES for words in plume_commands(guide)]
    typed += [
        line.removeprefix(".venv/bin/") for guide in GUIDES for block in blocks(guide) for line in block.splitlines()
    ]
    assert not [beginning for beginning in ELSEWHERE if not any(re.match(beginning, line) for line in typed)]
    assert not [test for _, test in ELSEWHERE.values() if not (ROOT / test).is_file()]
