"""`plume doctor --site` as a whole, on a tiny base: what it finds, what it leaves, how it goes on."""

import json
import os
import shutil
import signal
import socket
import threading
import time

import psutil
import pytest
from typer.testing import CliRunner

from plume import cli
from plume.acceptance import run, site
from plume.acceptance.point import ENDED, Point
from plume.acceptance.run import accept
from plume.errors import EnvironmentMissing, InputError, PlumeError
from plume.paths import ROOT


def verdicts(points, verdict):
    return {name for name, point in points.items() if point["verdict"] == verdict}


def test_a_machine_is_accepted_and_the_report_tells_no_place(
    recipe, taught_mistral, commands, told, tmp_path, monkeypatch
):
    """On a tiny base that knows the sentences everything holds; without a GPU and an engine, that is said."""
    out, config = tmp_path / "site", recipe(base__model=taught_mistral)
    assert accept(config, out, skip=["serve"], resume=False, force=False) == 0
    whole, points = told(out)
    assert whole["outcome"] == "in part"
    assert verdicts(points, "not ok") == set()
    unchecked = {name: points[name]["why"] for name in verdicts(points, "not checked")}
    assert unchecked.pop(("serve", ENDED)) == "left out with --skip"
    assert set(unchecked) == {("machine", "GPU"), ("train", "peak of memory"), ("train", "speed")}
    assert all(why.startswith("no GPU") for why in unchecked.values())
    assert points["base", "parameters"]["measured"] == "4,170,304"
    assert len(whole["numbers"]["steps"]) == 10
    assert points["tokens", "its ids"]["expected"].endswith("as Mistral 7B's tokenizer")
    assert len((out / "work/train/steps.jsonl").read_text().splitlines()) == 10
    for name in ("site.json", "site.html"):
        text = (out / name).read_text(encoding="utf-8")
        for secret in (str(tmp_path), str(ROOT), socket.gethostname(), "pose problème", "nous regrettons que"):
            assert secret not in text, (name, secret)

    # What went well is not done again; what was left out is.
    del commands[:]
    monkeypatch.setitem(run.PARTS, "serve", lambda _: iter([Point.judged("a draft", "", "", holds=True)]))
    assert accept(config, out, skip=[], resume=True, force=False) == 0
    assert commands == []
    assert told(out)[1]["serve", "a draft"]["verdict"] == "ok"
    # Of another config nothing is taken over, and nothing is overwritten unasked.
    with pytest.raises(InputError, match="--force"):
        accept(config, out, skip=[], resume=False, force=False)
    assert accept(recipe(batch_size=3), out, skip=["base", "train", "serve"], resume=True, force=False) == 0
    assert not (out / "work" / "train").exists()


def test_wrong_ids_and_random_weights_fail_and_the_rest_goes_on(recipe, commands, told, tmp_path):
    config = recipe(base__tokens__im_end=7)
    assert accept(config, tmp_path / "site", skip=["serve"], resume=False, force=False) == run.NOT_OK
    whole, points = told(tmp_path / "site")
    assert whole["outcome"] == "not ok"
    assert verdicts(points, "not ok") == {
        ("tokens", "id of im_end"),
        ("base", "loss of 6 French sentences"),
        ("base", "the same tokens shuffled"),
    }
    assert points["tokens", "id of im_end"]["expected"] == "7"
    assert points["tokens", "id of im_end"]["measured"] == "32000"
    assert points["train", "loss on the same pairs"]["verdict"] == "ok"


def test_a_large_base_without_a_gpu_is_not_begun(recipe, parts, told, tmp_path, plume_home, monkeypatch):
    monkeypatch.setattr(run, "LARGEST_ON_CPU", 0.001)
    parts()
    assert accept(recipe(), tmp_path / "site", skip=[], resume=False, force=False) == 0
    whole, points = told(tmp_path / "site")
    assert {name for name, _ in verdicts(points, "not checked")} == {"base", "train", "serve"}
    assert all(points[name, ENDED]["why"].startswith("no GPU: a base of ") for name in ("base", "train", "serve"))
    assert whole["outcome"] == "in part"


@pytest.fixture
def parts(monkeypatch):
    """parts(name=function): the parts that are run, in place of the real ones."""

    def replace(**functions):
        for name in run.PARTS:
            monkeypatch.setitem(run.PARTS, name, functions.get(name, lambda _: iter([Point("fine", "", "", "ok")])))

    return replace


def test_what_a_part_lacks_is_its_last_line_and_exit_3(recipe, parts, told, tmp_path, plume_home):
    def lacks(_):
        yield Point("first", "", "", "ok")
        raise EnvironmentMissing(f"vLLM is not installed in {tmp_path}/venv/bin; mend it with: make install")

    parts(base=lacks, train=lambda _: [][0])
    out = tmp_path / "site"
    assert accept(recipe(), out, skip=[], resume=False, force=False) == 3
    _, points = told(out)
    assert points["base", "first"]["verdict"] == "ok"
    assert points["base", ENDED]["why"] == "vLLM is not installed in …; mend it with: make install"
    assert points["train", ENDED]["why"].startswith("IndexError: list index out of range")
    assert points["serve", "fine"]["verdict"] == "ok"


def test_interrupted_it_says_so_and_goes_on_from_there(recipe, parts, told, tmp_path, plume_home):
    ran = []

    def interrupted(_):
        ran.append("base")
        if len(ran) == 1:
            raise KeyboardInterrupt
        return iter([Point("fine", "", "", "ok")])

    out = tmp_path / "site"
    parts(tokens=lambda _: ran.append("tokens") or iter([]), base=interrupted)
    ran.clear()
    with pytest.raises(KeyboardInterrupt):
        accept(recipe(), out, skip=["tokens"], resume=False, force=False)
    whole, points = told(out)
    assert whole["outcome"] == "in part"
    assert {name: points[name, ENDED]["why"] for name in ("base", "train")} == {
        "base": "interrupted",
        "train": "not begun",
    }
    assert accept(recipe(), out, skip=[], resume=True, force=False) == 0
    assert ran == ["base", "tokens", "base"]


def test_a_command_ends_with_its_interrupted_caller():
    me = psutil.Process()
    before, started = set(me.children()), []

    def interrupt():
        until = time.monotonic() + 30
        while not (found := set(me.children()) - before) and time.monotonic() < until:
            time.sleep(0.05)
        started.extend(found)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        site.plume("0", "--bind", "127.0.0.1", module="http.server")
    assert len(started) == 1
    assert not started[0].is_running()


def test_a_command_that_is_killed_is_told_by_the_signal(monkeypatch, tmp_path):
    (tmp_path / "killed.py").write_text("import os\nprint('step 3')\nos.kill(os.getpid(), 9)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(PlumeError, match=r"^train: was ended by SIGKILL; its last line: step 3$"):
        site.plume("train", module="killed")


def test_what_its_work_was_removed_of_is_done_again(recipe, parts, tmp_path, plume_home):
    ran, out = [], tmp_path / "site"
    parts(base=lambda site: ran.append("base") or (site.work / "base.json").touch() or iter([Point("a", "", "", "ok")]))
    for resume in (False, True):
        assert accept(recipe(), out, skip=[], resume=resume, force=False) == 0
    assert ran == ["base"]
    shutil.rmtree(out / "work")
    assert accept(recipe(), out, skip=[], resume=True, force=False) == 0
    assert ran == ["base", "base"]


def test_a_command_that_fails_raises_its_last_line(tmp_path):
    with pytest.raises(InputError, match="no such export"):
        site.plume("data", "build", tmp_path / "none.json", "--out", tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--site", "nowhere.yaml"], "nowhere.yaml"),
        (["--site", "configs/train/demo.yaml", "lora.rnak=8"], "did you mean lora.rank?"),
        (["--site", "configs/train/demo.yaml", "--skip", "gpu"], "--skip gpu: no such part; parts: machine, tokens"),
        (["--site", "configs/train/demo.yaml", "--resume"], "holds no report to go on with"),
        (["--site", "configs/train/demo.yaml", "base.model=./nowhere"], "no such folder"),
        (["--resume"], "name a training config: --site CONFIG"),
    ],
)
def test_what_cannot_begin_is_one_line(words, line, plume_home, monkeypatch):
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(cli.app, ["doctor", *words])
    assert isinstance(done.exception, InputError)
    assert line in str(done.exception)
    assert not (plume_home / "site").exists()


def test_a_folder_of_the_users_is_never_emptied(recipe, parts, tmp_path, plume_home):
    parts()
    theirs = tmp_path / "site" / "work" / "thesis.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("years")
    for force in (False, True):
        with pytest.raises(InputError, match="name another folder with --out"):
            accept(recipe(), tmp_path / "site", skip=[], resume=False, force=force)
    assert theirs.read_text() == "years"


@pytest.mark.long
def test_the_embedded_model_is_accepted_with_a_real_engine(cli, tmp_path, embedded_model, told):
    home, out = tmp_path / "home", tmp_path / "site"
    home.mkdir()
    (home / "models").symlink_to(embedded_model.parent)
    tokens = "base.tokens={im_end: 2, im_start: 1, pad: 0}"
    words = ["doctor", "--site", "configs/train/demo.yaml", tokens, "batch_size=2", "--out", out]
    done = cli(*words, timeout=1800, env={"PLUME_HOME": str(home)})
    assert done.returncode == 0, done.stderr[-3000:]
    whole, points = told(out)
    assert verdicts(points, "not ok") == set()
    assert all(point["why"].startswith("no GPU") for point in points.values() if point["verdict"] != "ok")
    assert points["serve", "log-probabilities of first tokens"]["verdict"] == "ok"
    assert str(tmp_path) not in json.dumps(whole)
