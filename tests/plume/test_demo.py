"""`make demo`: the order of its commands, that it stops when one of them does, and the page that it ends with."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from html import unescape
from pathlib import Path

import pytest
import typer

from plume import output
from plume.cli import app
from plume.demo import page
from plume.demo.run import Commands, demo
from plume.files import write
from plume.paths import ROOT

SERVED = "dtype=auto max_new_tokens=192 repetition_penalty=1.15"


@pytest.fixture
def commands(tmp_path):
    return Commands(tmp_path / "mlflow.db")


def test_a_command_that_fails_stops_the_demo_with_its_exit_code(commands, tmp_path, capfd):
    with pytest.raises(SystemExit) as stopped:
        commands.plume("data", "build", tmp_path / "none.json", "--out", tmp_path / "out")
    assert stopped.value.code == 2
    assert "$ plume data build" in capfd.readouterr().err


def test_codes_that_are_answers_do_not_stop_it(commands, tmp_path):
    assert commands.plume("data", "build", tmp_path / "none.json", "--out", tmp_path / "out", codes=(0, 2)) == 2
    assert [step.command.split()[:3] for step in commands.steps] == [["plume", "data", "build"]]


def test_an_unusable_export_leaves_what_an_earlier_demo_made(tmp_path):
    adapter = tmp_path / "demo" / "train" / "adapter"
    adapter.mkdir(parents=True)
    done = _demo(tmp_path, tmp_path / "none.json")
    _, err = done.communicate(timeout=120)
    assert done.returncode == 2
    assert "no such export" in err
    assert adapter.is_dir()


def test_ctrl_c_exits_130_and_leaves_no_process(tmp_path, sample_export):
    process = _demo(tmp_path, sample_export)
    assert "$ plume data build" in "".join(iter(process.stderr.readline, "\n")) + process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "make demo starts over" in err
    assert _is_gone(process.pid)


def test_a_second_demo_finds_nothing_of_the_first_in_its_way(small_dataset, tmp_path, monkeypatch):
    """Its commands are played: each writes where it is told to, and refuses what is there, as plume's do."""
    monkeypatch.setenv("PLUME_HOME", str(tmp_path))
    monkeypatch.setattr(page, "write_page", lambda out, *_: out / page.FILE)

    def played(self, *arguments, codes=(0,)):
        words = [str(word) for word in arguments]
        after = {word: words[n + 1] for n, word in enumerate(words) if word in ("--out", "--report")}
        named = [*after.values(), *(word[4:] for word in words if word.startswith("out="))]
        named += words[2:3] if words[:2] == ["eval", "simulate"] else []
        for path in map(Path, named):
            assert "--force" in words or not path.exists(), f"{' '.join(words[:2])}: {path} is there"
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.suffix:
                shutil.copytree(small_dataset, path, dirs_exist_ok=True)
                write(path / "time.json", '{"simulated": {"line": ""}}')
                (path / "adapter").mkdir(exist_ok=True)
                write(path / "adapter" / "training.json", '{"prompt": {"version": "v1"}}')
            else:
                write(path, "{}")
        self.store.touch()
        return codes[0]

    monkeypatch.setattr(Commands, "plume", played)
    for _ in range(2):
        demo(ROOT / "datasets/sample/export.json")
    assert (tmp_path / "demo/simulated/export.json").is_file()


@pytest.fixture
def made(small_dataset, tmp_path):
    """What a demo's commands leave, as far as its page reads or links it."""
    out = tmp_path / "demo"
    shutil.copytree(small_dataset, out / "dataset")
    for kind, name in ((output.DATASET, "dataset"), (output.VERDICT, "verdict"), (output.TIME, "time")):
        for file in kind.files:
            (out / name).mkdir(exist_ok=True)
            (out / name / file).touch()
    reason = "Trop peu d’avis pour conclure."
    told = {
        "verdict/verdict.json": {"outcome": "INCONCLUSIVE", "reasons": [reason], "needs_items": 714},
        "time/time.json": {
            "simulated": {"line": "effet simulé : ÷1,50 ; estimé : ÷1,54 ; moyenne naïve : ÷2,35"},
            "counts": {"experiences": 6000},
        },
        "train/adapter/training.json": {"samples": {"train_pairs": 72}, "validation_loss": 2.5},
        page.DRAFT: {"draft": {"draft": "Bonjour <b>,"}, "golden": {"prompts": [{"gap": 0.011}, {"gap": 0.004}]}},
    }
    for name, row in told.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        write(out / name, json.dumps(row))
    write(out / "train/adapter/README.md", "")
    write(out / "train/steps.jsonl", '{"loss": 3.26}\n{"loss": 2.61}\n')
    return page.write_page(out, ROOT / "datasets/sample/export.json", [page.Step("plume data build", 12.4)], SERVED)


def test_the_page_tells_what_was_done_and_links_what_is_there(made, browser, chromium_page, assert_accessible):
    browser.look_over(made)
    text = made.read_text("utf-8").replace("\u00a0", " ").replace("\u202f", " ")
    for said in (
        "Sans conclusion",
        "Il faudrait environ 714 avis de plus",
        "2 pas d’apprentissage sur 72 couples",
        "la perte va de 3,26 à 2,61",
        "Effet simulé : ÷1,50 ; estimé : ÷1,54 ; moyenne naïve : ÷2,35",
        "de 0,011 nat au plus",
        "Bonjour &lt;b&gt;,",
        "Tout est inventé",
    ):
        assert said in text
    links = [unescape(link) for link in re.findall(r'href="([^"#]+)"', text)]
    assert len(links) >= 11
    assert not [link for link in links if link.startswith(("/", "http")) or not (made.parent / link).is_file()]
    chromium_page.set_content(made.read_text("utf-8"))
    assert_accessible(chromium_page)


def test_the_page_of_ones_own_export_warns_of_it_and_links_its_time(made, tmp_path):
    (made.parent / "own-time").mkdir()
    (made.parent / "own-time" / "time.html").touch()
    text = page.render(made.parent, tmp_path / "mine.json", [], SERVED)
    assert "Tout est inventé" not in text
    assert "à garder entre soi" in text
    assert 'href="own-time/time.html"' in text


def test_every_command_of_the_page_is_one_of_plumes_with_its_options():
    given = {"demo": "var/demo", "export": "datasets/sample/export.json", "pair": "916-1", "experience": "916"}
    users = page.next_commands(given | {"served": SERVED})
    assert [len(rows) for *_, rows in users] == [3] * 6
    for *_, rows in users:
        for row in rows:
            _parse(row["command"])
    with pytest.raises(Exception, match="--no-such"):
        _parse("plume eval trend --no-such x")


def _parse(command):
    """Read a command's words as plume would, without running it."""
    words = shlex.split(re.sub(r"\s*(?:>|&&).*", "", command[command.index("plume ") :]))[1:]
    asked = typer.main.get_command(app)
    context = asked.make_context("plume", [], resilient_parsing=True)
    while hasattr(asked, "get_command") and words and (below := asked.get_command(context, words[0])):
        asked, name, words = below, words[0], words[1:]
        if hasattr(asked, "get_command"):
            context = asked.make_context(name, [], parent=context, resilient_parsing=True)
    if hasattr(asked, "get_command"):  # `plume serve KEY=VALUE` is its `run`
        asked = asked.get_command(context, "run")
    asked.make_context(asked.name, words, parent=context)


@pytest.mark.long
def test_the_whole_demo_ends_with_its_page(tmp_path, sample_export, embedded_model):
    process = _demo(tmp_path, sample_export)
    _, err = process.communicate(timeout=3000)
    assert process.returncode == 0, err[-3000:]
    out = tmp_path / "demo"
    links = re.findall(r'href="([^"#]+)"', (out / page.FILE).read_text("utf-8"))
    assert not [link for link in links if not (out / unescape(link)).is_file()]


def _is_gone(group, seconds=20):
    """Whether every process of the group ends; one that has just been killed is still there for a moment."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def _demo(home, export):
    return subprocess.Popen(
        [sys.executable, "-m", "plume.demo", str(export)],
        cwd=ROOT,
        env=os.environ | {"PLUME_HOME": str(home)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
