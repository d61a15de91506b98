"""Every `plume …` that a guide tells a reader to type is one that plume takes; nothing is run."""

import pytest
from typer import TyperException
from typer.main import get_command

from plume.cli import app, configs_of
from plume.errors import InputError
from plume.paths import ROOT
from tests.docs.guides import GUIDES, plume_commands

# Whose config the KEY=VALUE of a command are of (else serve's), and the file that stands for CONFIG, RECIPE …
CONFIGS = {
    "data build": ("data", None),
    "doctor": ("train", "configs/train/openhermes2-lora.yaml"),
    "eval study plan": ("study", None),
    "serve bench": ("bench", None),
    "serve desk": ("desk", None),
    "train run": ("train", "configs/train/openhermes2-lora.yaml"),
    "train preferences": ("preferences", "configs/train/preferences.yaml"),
}
ASKED_LATER = {"doctor": ["data=DATA", "out=OUT"]}  # keys that the command gives itself


def check(words):
    """Parse the words as plume does, and load the config that they name. Raises what plume would say."""
    command, context, name = get_command(app), None, "plume"
    path = []
    while hasattr(command, "resolve_command"):
        context = command.make_context(name, list(words), parent=context)
        name, command, words = command.resolve_command(context, [*context._protected_args, *context.args])
        path.append(name)
    given = command.make_context(name, list(words), parent=context).params
    if overrides := given.get("overrides"):
        path = " ".join(path)
        kind, standing = CONFIGS.get(path, ("serve", None))
        file = given.get("config") or given.get("site")
        file = ROOT / file if file and (ROOT / file).is_file() else standing and ROOT / standing
        configs_of(kind)[0].load(file, [*overrides, *ASKED_LATER.get(path, ())])


@pytest.mark.parametrize("guide", GUIDES)
def test_each_command_is_one_of_plumes(guide):
    wrong = []
    for words in plume_commands(guide):
        try:
            check(words)
        except (TyperException, InputError) as error:
            wrong.append((" ".join(words), str(error)))
    assert not wrong


def test_the_guides_have_commands():
    assert sum(len(list(plume_commands(guide))) for guide in GUIDES) > 80


@pytest.mark.parametrize(
    "written",
    [
        "train configs/train/demo.yaml data=DATA out=OUT --previw 3",
        "train configs/train/demo.yaml data=DATA out=OUT --preview three",
        "train configs/train/demo.yaml data=DATA out=OUT max_step=3",
        "train configs/train/demo.yaml data=DATA out=OUT max_steps=many",
        "data bild EXPORT --out DATA",
        "data build EXPORT --out DATA ner=perhaps",
        "data build EXPORT",
        "serve sinc",
        "serve sync challenger_wait=0.1",
        "serve draft --data DATA --raport",
        "eval compare a.jsonl b.jsonl --data DATA",
        "eval study plan configs/eval/study.yaml dta=DATA drafts=[v3.jsonl] out=STUDY",
        "doctor --site CONFIG base.modle=FOLDER",
    ],
)
def test_a_wrong_command_is_refused(written):
    with pytest.raises((TyperException, InputError)):
        check(written.split())
