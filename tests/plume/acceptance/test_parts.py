"""What each part of the acceptance calls right, wrong, or not checked."""

import json

import pytest

from plume import doctor
from plume.acceptance import machine, serving, tokens, training
from plume.acceptance.site import Site
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
    assert "of 17 gating checks passed" in points["a draft, checked"].measured


def test_a_gpu_that_something_else_uses_is_told(recipe, tmp_path, monkeypatch):
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    rows = "NVIDIA H100 80GB HBM3, 81559, 4, 550.54\\nNVIDIA H100 80GB HBM3, 81559, 30123, 550.54\\n"
    listed = "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)"
    program.write_text(f"#!/bin/sh\n[ \"$1\" = -L ] && echo '{listed}' || printf '{rows}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    assert doctor.gpus()
    free, used = [p for p in machine.look(Site(recipe(), tmp_path)) if p.name == "GPU"]
    assert (free.verdict, free.measured) == ("ok", "NVIDIA H100 80GB HBM3, 80 GiB, 0.0 GiB used, driver 550.54")
    assert (used.verdict, used.why.split(",")[0]) == ("not ok", "end what uses it")
