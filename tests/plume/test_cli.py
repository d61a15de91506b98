"""The command line as a whole: quick to answer, no traceback, the exit codes of the contract."""

import json
import subprocess
import sys

import pytest

from plume import __version__
from plume.paths import ROOT

HEAVY = ("torch", "transformers", "mlflow", "datasets", "spacy", "vllm", "peft", "matplotlib")


def modules_after(arguments: list[str]) -> tuple[str, set[str]]:
    """stdout of `plume ARGUMENTS`, and which of HEAVY it imported."""
    code = (
        "import sys, json\n"
        f"sys.argv = ['plume', *{arguments!r}]\n"
        "from plume.cli import main\n"
        "try:\n    main()\n"
        f"finally:\n    print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout, set(json.loads(done.stderr.strip().splitlines()[-1]))


def test_help_names_every_stage_and_imports_nothing_heavy():
    out, heavy = modules_after(["--help"])
    for command in ("data", "train", "eval", "serve", "doctor"):
        assert command in out
    assert heavy == set()


@pytest.mark.parametrize(
    ("typed", "offered", "not_offered"),
    [
        ("plume ", {"data", "train", "eval", "serve", "doctor"}, {"run"}),
        ("plume eval ", {"generate", "compare", "promote", "study"}, {"run"}),
        ("plume eval study ", {"plan", "analyse"}, set()),
        ("plume train co", {"compare"}, {"run", "export"}),
        ("plume train ", {"run", "preferences"}, {"train"}),
        ("plume train --pre", {"--preview"}, {"--help"}),
        ("plume train run.yaml --res", {"--resume"}, {"--preview"}),
        ("plume serve key a", {"add"}, {"list"}),
    ],
)
def test_what_a_shell_offers_next(monkeypatch, typed, offered, not_offered):
    monkeypatch.setenv("_PLUME_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", typed)
    monkeypatch.setenv("COMP_CWORD", str(typed.count(" ")))
    out, heavy = modules_after([])
    assert offered <= set(out.split())
    assert not not_offered & set(out.split())
    assert heavy == set()


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_offered_the_same(monkeypatch, shell):
    monkeypatch.setenv("_PLUME_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "plume train co")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    assert "compare" in modules_after([])[0]


@pytest.mark.parametrize("stage", ["data", "train", "eval", "serve"])
def test_help_of_a_stage_imports_nothing_heavy(stage):
    out, heavy = modules_after([stage, "--help"])
    assert "Usage" in out
    assert heavy == set()


@pytest.mark.parametrize(
    "command",
    [
        ("data", "build"),
        ("data", "anonymise"),
        ("train", "run"),
        ("eval", "generate"),
        ("eval", "score"),
        ("eval", "compare"),
        ("eval", "promote"),
        ("eval", "time"),
        ("serve", "run"),
        ("doctor",),
    ],
    ids=" ".join,
)
def test_every_command_explains_itself(cli, command):
    done = cli(*command, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


@pytest.mark.parametrize("stage", ["train", "eval", "serve"])
def test_a_stage_runs_as_a_module_too(stage, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", stage, "--help"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout


def test_version(cli, tmp_path):
    assert cli("--version", cwd=tmp_path).stdout.strip() == f"plume {__version__}"


def test_import_datasets_from_the_root_is_hugging_faces():
    code = "import datasets; print(datasets.__file__, datasets.Dataset.__name__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert str(ROOT / "datasets") not in done.stdout
    assert done.stdout.split()[-1] == "Dataset"
    assert not (ROOT / "datasets" / "__init__.py").exists()


def test_no_package_file_under_tests_shadows_a_stage():
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_an_unknown_command_or_option_exits_2(cli):
    for wrong in (("traain",), ("data", "biuld"), ("data", "build", "--nope")):
        done = cli(*wrong)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("data", "build", "nowhere.json", "--out", "OUT"), "nowhere.json: no such export"),
        (("data", "build", "nowhere.json", "--out", "OUT", "--config", "no.yaml"), "no.yaml: no such config"),
        (("data", "anonymise", "no.jsonl", "--out", "OUT"), "no.jsonl: no such file"),
        (("train", "no.yaml"), "no.yaml: no such config"),
        (("eval", "score", "no.jsonl", "--data", "OUT", "--out", "OUT.jsonl"), "no"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_line_and_exit_2(refused, tmp_path, arguments, told):
    line = refused(*(a.replace("OUT", str(tmp_path / "out")) for a in arguments), cwd=tmp_path)
    assert told in line
    assert not (tmp_path / "out").exists()


def test_text_of_the_message_is_printed_as_it_is(refused, tmp_path):
    """No markup, no emoji code, no wrapping: a path must be copied from the message."""
    name = "[bold]:smile:" + "x" * 180 + ".json"
    assert name in refused("data", "build", name, "--out", tmp_path / "out", cwd=tmp_path)
