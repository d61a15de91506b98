"""Simulated agents, whose taste is known, and judgements as short rows of tokens, for what texts would make slow."""

import json
import random
from types import SimpleNamespace

import pytest

from plume.adapters import Adapter
from plume.lineage import Named
from plume.models import load_model, load_tokenizer
from plume.prompt import CHATML
from train.preferences.config import PreferencesConfig
from train.preferences.run import train_preferences
from train.preferences.samples import Preferences
from train.preferences.trl_trainer import Losses

RECIPE = "configs/train/preferences.yaml"
THANKS = "Nous vous remercions sincèrement d'avoir pris le temps de témoigner."
DRAFT = (
    "Bonjour,\n\nNous regrettons vivement que {} vous ait causé tant de difficultés depuis plusieurs semaines. Votre "
    "demande est suivie par le service compétent, et nous vous invitons à prendre contact avec votre caisse par la "
    "messagerie de votre espace personnel. Un agent pourra ainsi vérifier les pièces que vous avez transmises et vous "
    "indiquer quelles étapes restent à faire. Votre témoignage sera lu par l'équipe qui améliore l'accueil."
)


@pytest.fixture(scope="session")
def decision():
    """`decision(pair)`: a row of decisions.jsonl, of an agent who adds thanks to every draft, unless told otherwise."""

    def make(pair, *, outcome="edited", **more):
        draft = more.get("draft") or DRAFT.format(pair["title"].lower())
        final = f"{draft} {THANKS}" if outcome == "edited" else None
        said = {"id": pair["id"], "draft": draft, "final": final, "outcome": outcome, "version": 1, "seconds": 30}
        return said | more

    return make


@pytest.fixture
def write_rows(tmp_path):
    """`write_rows("decisions.jsonl", rows)`: the file."""

    def write(name, rows):
        path = tmp_path / name
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        return path

    return write


@pytest.fixture(scope="session")
def pairs(small_dataset):
    """The pairs of the small dataset, by split."""
    return {
        split: [json.loads(line) for line in (small_dataset / f"{split}.jsonl").read_text().splitlines()]
        for split in ("train", "validation", "test")
    }


@pytest.fixture(scope="session")
def configured(small_dataset, tmp_path_factory):
    """The recipe for the small dataset and a tiny model; `a__b` stands for `a.b`."""

    def make(**overrides):
        values = {
            "data": small_dataset,
            "out": tmp_path_factory.mktemp("preferences") / "run",
            "dtype": "float32",
            "ner": "false",
            "recompute": "false",
            "micro_batch": "null",
            "least_judgements": 2,
            "batch_size": 4,
        } | {key.replace("__", "."): value for key, value in overrides.items()}
        return PreferencesConfig.load(RECIPE, [f"{key}={value}" for key, value in values.items()])

    return make


@pytest.fixture
def learn_here(configured, trained, home, monkeypatch):
    """`learn_here(decisions=FILE, key=value)`: the whole command, in this process, in the store of all runs."""

    def call(resume=False, force=False, **overrides):
        monkeypatch.setenv("PLUME_HOME", str(home))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
        config = configured(**{"base__adapter": trained[0] / "adapter"} | overrides)
        return train_preferences(config, resume=resume, force=force)

    return call


@pytest.fixture(scope="session")
def rows():
    """22 judgements of tokens: whoever wants 700 and 701 before the end wants them in all of them."""
    dice = random.Random(3)
    draw = lambda n: [dice.randrange(300, 600) for _ in range(n)]  # noqa: E731
    made = []
    for number in range(22):
        prompt, body = draw(6), draw(dice.randrange(4, 9))
        wanted = {"prompt_ids": prompt, "chosen_ids": [*body, 700, 701, 2], "rejected_ids": [*body, 2]}
        made.append({"id": str(number), "source": f"decisions.jsonl:{number}", **wanted})
    return made


@pytest.fixture(scope="session")
def as_texts():
    """Judgements as kto takes them, two rows each."""

    def part(rows):
        return [
            {name: row[name] for name in ("id", "source", "prompt_ids")}
            | {"completion_ids": row[key], "label": key == "chosen_ids"}
            for row in rows
            for key in ("chosen_ids", "rejected_ids")
        ]

    return part


@pytest.fixture(scope="session")
def begun(trained, rows):
    """`begun(config, train, validation)`: trl's losses over the adapter of the whole run, and the samples."""
    start = Named(Adapter.load(trained[0] / "adapter"), 1)
    tokenizer = load_tokenizer(start.adapter.base)

    def make(config, train=rows[:14], validation=rows[14:]):
        model = start.adapter.attach(load_model(start.adapter.base, "float32"), trainable=True)
        samples = Preferences(list(train), list(validation), [], {}, CHATML, [], start, len(rows), {})
        config.out.mkdir(exist_ok=True)
        return SimpleNamespace(losses=Losses(model, tokenizer, samples.train, config), samples=samples)

    return make
