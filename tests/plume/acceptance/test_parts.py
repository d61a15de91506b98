"""What each part of the acceptance calls right, wrong, or not checked."""

import json
import shutil

import pytest

from plume import doctor
from plume.acceptance import machine, serving, tokens, training
from plume.acceptance.site import Site
from plume.errors import PlumeError
from plume.models import load_tokenizer


def by_name(points):
    return {point.name: point for point in points}


def test_both_tokenizers_write_the_known_pair(recipe, tmp_path, embedded_model):
    for config, of in ((recipe(), "Mistral 7B's tokenizer"), (recipe(base__model="smollm2-135m-instruct"), "SmolLM2")):
        config = (
            config
            if of.startswith("M")
            else config.model_copy(update={"base": config.base.model_copy(update={"tokens": None})})
        )
        points = by_name(tokens.look(Site(config, tmp_path)))
        assert of in points["its ids"].expected
        assert {p.verdict for p in points.values()} == ({"ok"} if config.base.tokens else {"ok", "not checked"})


def test_an_older_tokenizer_of_mistral_is_known_too(recipe, tmp_path, tiny_mistral):
    """Tokenizers of the hub may write a blank after each special token: other ids, which training and serving share."""
    from tokenizers import Tokenizer
    from tokenizers.pre_tokenizers import Metaspace

    tokenizer = load_tokenizer(recipe().base)
    tokenizer.save_pretrained(tmp_path)
    file = tmp_path / "tokenizer.json"
    fast = Tokenizer.from_file(str(file))
    fast.pre_tokenizer = Metaspace(prepend_scheme="always", split=False)
    fast.save(str(file))
    (tmp_path / "config.json").write_text((tiny_mistral / "config.json").read_text())
    told = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(told | {"tokenizer_class": "PreTrainedTokenizerFast"}))
    points = by_name(tokens.look(Site(recipe(base__model=tmp_path), tmp_path)))
    assert points["its ids"].verdict == "ok"
    assert "older" in points["its ids"].expected


def test_other_text_or_ids_are_told_from_where_they_differ(recipe, tmp_path, monkeypatch):
    known = json.loads(tokens.KNOWN.read_text(encoding="utf-8"))
    known["text"] = known["text"].replace("Avis :", "AVIS :")
    known["ids"][0]["ids"][5] += 1
    del known["ids"][1]
    changed = tmp_path / "known.json"
    changed.write_text(json.dumps(known))
    monkeypatch.setattr(tokens, "KNOWN", changed)
    points = by_name(tokens.look(Site(recipe(), tmp_path)))
    assert points["text of a known pair"].verdict == points["its ids"].verdict == "not ok"
    assert "'vis : " in points["text of a known pair"].why
    assert points["its ids"].why.startswith("differs from token 6 on: ")


def test_training_is_judged_by_its_steps_and_on_a_gpu_by_memory_and_speed(recipe, tmp_path, monkeypatch):
    site = Site(recipe(), tmp_path)
    adapter = site.run / "adapter"
    adapter.mkdir(parents=True)

    def judge(measured, mfu=0.3, losses=None, norm=0.5):
        (adapter / "training.json").write_text(json.dumps({"memory_gib": {"estimated": 40, "measured": measured}}))
        losses = losses or [2 - at / 10 for at in range(10)]
        rows = [{"loss": x, "grad_norm": norm, "tokens_per_second": 9000.0, "mfu": mfu} for x in losses]
        return {name: point.verdict for name, point in by_name(training.judge(site, rows)).items()}

    monkeypatch.setattr(training, "gpus", lambda: ["GPU 0: NVIDIA H100"])
    assert set(judge(43.9).values()) == {"ok"}
    assert judge(44.1)["peak of memory"] == judge(35.9)["peak of memory"] == "not ok"
    assert judge(40, mfu=0.05)["speed"] == "not ok"
    assert (
        judge(40, norm=0.0)["norm of the gradient"] == judge(40, norm=float("nan"))["norm of the gradient"] == "not ok"
    )
    assert judge(40, losses=[2.0] * 10)["loss on the same pairs"] == "not ok"
    assert judge(40, losses=[1.0] * 9)["steps"] == "not ok"


@pytest.mark.parametrize(
    ("gap", "within", "base", "bad"),
    [
        (0.02, True, 0.4, set()),
        (0.5, False, 0.9, {"log-probabilities of first tokens"}),
        (0.02, True, 0.02, {"the adapter is used"}),
        (float("inf"), False, float("inf"), {"log-probabilities of first tokens", "the adapter is used"}),
    ],
)
def test_serving_is_judged_by_log_probabilities_with_and_without_the_adapter(gap, within, base, bad):
    row = {"gap": gap, "shared": 5, "within": within, "gap_of_base": base}
    told = {
        "start_seconds": 90.0,
        "draft_seconds": 3.0,
        "golden": {"dtype": "bfloat16", "tolerance": 0.3, "prompts": [row | {"gap": 0.0, "within": True}, row]},
        "draft": {
            "draft": "Bonjour",
            "usage": {"completion_tokens": 2},
            "findings": [{"check": "length", "gating": True}],
        },
    }
    points = by_name(serving.judge(told))
    assert {name for name, point in points.items() if point.verdict == "not ok"} == bad
    assert "of 18 gating checks passed" in points["a draft, checked"].measured


def test_a_gpu_that_something_else_uses_is_told(recipe, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    rows = "".join(
        f"{at}, GPU-{at}ab, NVIDIA H100 80GB HBM3, 81559, {used}, 550.54\\n" for at, used in ((0, 4), (1, 30123))
    )
    listed = "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] && echo '{listed}' || printf '{rows}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    assert doctor.gpus()

    def cards(visible):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        return [p for p in machine.look(Site(recipe(), tmp_path)) if p.name == "GPU"]

    free, used = cards("")
    assert (free.verdict, free.measured) == ("ok", "NVIDIA H100 80GB HBM3, 80 GiB, 0.0 GiB used, driver 550.54")
    assert (used.verdict, used.why.split(",")[0]) == ("not ok", "end what uses it")
    assert cards("0") == cards("GPU-0a") == [free]  # as the advice says
    assert cards("MIG-1") == [free, used]


def test_less_memory_is_wanted_where_nothing_is_served(recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "weights", lambda _: 2**50)
    for skip, copies in (((), 2), (("serve",), 1)):
        point = by_name(machine.look(Site(recipe(), tmp_path, frozenset(skip))))["memory"]
        assert (point.verdict, point.expected) == ("not ok", f"{2**20 * copies + 4} GiB or more")
        assert ("--skip" in point.why) == (copies == 2)


def test_a_dataset_that_was_interrupted_is_made_anew(recipe, tmp_path, commands):
    """Its manifest is there before its pairs are those of one step."""
    site = Site(recipe(batch_size=2), tmp_path)
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(training, "write", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            training.make_dataset(site)
    shutil.rmtree(site.dataset)  # what `plume data build --force` does
    assert [training.make_dataset(site), training.make_dataset(site)] == [2, 2]
    assert commands == ["data", "data"]


def test_the_adapter_is_served_whatever_the_server_serves_and_wherever_one_stands(recipe, tmp_path, monkeypatch):
    asked = []
    (tmp_path / "train" / "adapter").mkdir(parents=True)
    (tmp_path / "train" / "adapter" / "training.json").write_text("{}")
    monkeypatch.setattr(serving, "plume", lambda *words: asked.extend(words))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PlumeError, match="left no report"):
        next(serving.look(Site(recipe(), tmp_path)))
    assert "merged=null" in asked
    assert asked[-1].is_file()
