"""What leaves a verdict open whatever the scores: training texts near the test or unknown, other prompts or rules."""

import hashlib
import json
from dataclasses import replace

import pytest

from eval import integrity
from eval.compare import compare
from eval.drafts import read_drafts, read_pairs
from eval.integrity import examine, rule_remark
from eval.rule import GateRule, noted_before, rule_files, rule_sha256
from plume.errors import InputError
from plume.files import file_sha256
from plume.paths import ROOT

GATE = ROOT / "configs" / "eval" / "gate.yaml"


@pytest.fixture
def arms(make_data, make_drafts, texts):
    """arms(data, champion=…, challenger=…): drafts of both, their systems changed by what is given."""

    def make(data, **changes):
        found = {}
        for arm in ("champion", "challenger"):
            system = {"name": arm, "base": {"model": "tiny"}, "adapter_sha256": None, "prompt": "v1"}
            path = make_drafts(data, arm, lambda i: texts["good"].format(i), system=system | changes.get(arm, {}))
            found[arm] = read_drafts(path)
        return found

    return make


def put(folder, split, pairs):
    """Write a split of a dataset folder; returns its digest."""
    content = "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs).encode()
    (folder / f"{split}.jsonl").write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["splits"][split]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return manifest["splits"][split]["sha256"]


def seen(data, found, rule=None, **options):
    pairs = read_pairs(data, found["champion"], split="test")
    return examine(rule or GateRule.load(GATE), **found, data=data, pairs=pairs, **options)


OTHER = {
    "id": "9-1",
    "review": "La piscine municipale ferme trop tôt en été, dommage.",
    "reply": "Bonjour, c'est noté.",
}


def test_a_training_item_near_a_test_item_leaves_the_verdict_open_and_is_named(make_data, make_drafts, texts, tmp_path):
    data = make_data(40)
    copy = json.loads((data / "test.jsonl").read_text().splitlines()[7])
    put(data, "train", [OTHER, {**copy, "id": "800-1", "reply": "Tout autre chose."}])
    drafts = [make_drafts(data, name, lambda i: texts["good"].format(i)) for name in ("a", "b")]
    verdict = compare(*drafts, data, GATE, tmp_path / "out")
    assert verdict.outcome == "INCONCLUSIVE"
    assert "quasi-doublons" in verdict.reasons[0]
    assert copy["id"] in verdict.reasons[0]
    assert "800-1" in (tmp_path / "out" / "report.html").read_text()


def test_contamination_is_looked_for_once_and_again_when_anything_changed(make_data, arms, tmp_path, monkeypatch):
    monkeypatch.setenv("PLUME_HOME", str(tmp_path / "home"))
    data = make_data(10)
    copy = json.loads((data / "test.jsonl").read_text().splitlines()[7])
    put(data, "train", [OTHER, {**copy, "id": "800-1"}])
    found = arms(data)
    first = seen(data, found).contaminated
    assert first[copy["id"]] == "800-1"
    real, asked = integrity.near_duplicates, []
    monkeypatch.setattr(integrity, "near_duplicates", lambda *a: asked.append(a) or real(*a))
    assert seen(data, found).contaminated == first
    assert not asked
    stricter = GateRule.load(GATE, ["integrity.near_duplicate=1.0"])
    assert seen(data, found, stricter).contaminated != first
    for kept in (tmp_path / "home" / "contamination").iterdir():
        kept.write_text("[1")  # damaged: found again
    assert seen(data, found).contaminated == first
    put(data, "train", [OTHER])
    assert seen(data, found).contaminated == {}
    assert len(asked) == 3


def test_other_training_texts_do_no_harm(make_data, arms):
    data = make_data(10)
    put(data, "train", [OTHER])
    assert seen(data, arms(data)).faults == ()
    assert not seen(data, arms(data)).contaminated


def test_an_adapter_is_sound_only_if_its_training_texts_can_be_looked_through(make_data, arms, tmp_path):
    data = make_data(10)
    here = put(data, "train", [OTHER])
    elsewhere = make_data(11, name="elsewhere")
    there = put(elsewhere, "train", [{**OTHER, "id": "10-1", "review": "Le parking de la mairie est souvent plein."}])

    def faults(digest, **options):
        system = {"adapter_sha256": "ad", "trained_on": {"train": digest}}
        return seen(data, arms(data, challenger=system), **options)

    assert faults(here).faults == ()
    [fault] = faults(there).faults
    assert "candidat a été entraîné sur un autre jeu" in fault
    assert "--trained-on" in fault
    assert faults(there, trained_on=[elsewhere]).faults == ()
    copy = json.loads((data / "test.jsonl").read_text().splitlines()[3])
    near = put(elsewhere, "train", [{**copy, "id": "10-1"}])
    assert copy["id"] in faults(near, trained_on=[elsewhere]).contaminated  # these reviews are all alike
    with pytest.raises(InputError, match="not a dataset folder"):
        faults(there, trained_on=[tmp_path / "none"])


def test_what_the_adapters_ancestors_were_trained_on_must_be_looked_through_as_well(make_data, arms):
    data = make_data(10)
    here = put(data, "train", [OTHER])
    elsewhere = make_data(11, name="elsewhere")
    copy = json.loads((data / "test.jsonl").read_text().splitlines()[3])
    there = put(elsewhere, "train", [{**copy, "id": "10-1"}])  # it was trained on what is asked now

    def look(*earlier, **options):
        system = {"adapter_sha256": "ad", "trained_on": {"train": here, "earlier_train_splits": [*earlier]}}
        return seen(data, arms(data, challenger=system), **options)

    assert look(here).faults == ()
    [fault] = look(there).faults
    assert (
        f"candidat a été entraîné, par un adaptateur dont il part, sur un autre jeu de données ({there[:12]}…)" in fault
    )
    assert "--trained-on" in fault
    named = look(there, trained_on=[elsewhere])
    assert named.faults == ()
    assert copy["id"] in named.contaminated
    [fault] = look("unknown").faults
    assert "l’un de ceux dont il part, a été entraîné ; entraîner sans base.adapter." in fault
    looked_up = arms(data, champion={"adapter_sha256": "ad"})
    assert "dont il part" in seen(data, looked_up, look_up={"ad": [here, there]}.get).faults[0]


def test_drafts_that_do_not_tell_are_looked_up_and_unknown_is_a_fault(make_data, arms):
    data = make_data(10)
    here = put(data, "train", [OTHER])
    found = arms(data, champion={"adapter_sha256": "ad"})
    [fault] = seen(data, found).faults
    assert "on ne sait pas" in fault
    assert seen(data, found, look_up={"ad": [here]}.get).faults == ()
    assert "autre jeu" in seen(data, found, look_up={"ad": ["0" * 64]}.get).faults[0]


def test_a_train_split_before_an_erasure_counts_if_the_build_was_as_strict(make_data, arms):
    data = make_data(10)
    put(data, "train", [OTHER])
    manifest = json.loads((data / "manifest.json").read_text()) | {"history": ["f" * 64]}
    found = arms(data, challenger={"adapter_sha256": "ad", "trained_on": {"train": "f" * 64}})
    for threshold, sound in ((0.8, True), (0.95, False)):
        manifest["config"] = {"select": {"near_duplicate": threshold}}
        (data / "manifest.json").write_text(json.dumps(manifest))
        assert (seen(data, found).faults == ()) is sound


def test_examples_and_system_kinds_unknown_are_another_prompt(make_data, arms):
    data = make_data(10)
    here = put(data, "train", [OTHER])
    systems = GateRule.load(GATE, ["integrity.prompts_may_differ=true"])
    shown = arms(data, challenger={"examples": {"k": 3, "from": {"sha256": here}}})
    [fault] = seen(data, shown).faults
    assert "même consigne" in fault
    assert "examples" in fault
    assert seen(data, shown, systems).faults == ()
    strange = arms(data, challenger={"examples": {"k": 3, "from": {"sha256": "e" * 64}}})
    assert "exemples" in seen(data, strange, systems).faults[0]
    new = arms(data, challenger={"tool": "search"})
    assert "tool" in seen(data, new).faults[0]
    both = arms(data, champion={"tool": "search"}, challenger={"tool": "search", "trained_on": None})
    assert seen(data, both).faults == ()


def test_a_rule_changed_after_the_drafts_is_seen(make_data, make_drafts, texts, tmp_path):
    data = make_data(30)
    applied = hashlib.sha256(GATE.read_bytes()).hexdigest()
    for noted, says in (
        (applied, "celle qui avait été notée"),
        ("0" * 64, "autre que celle"),
        (None, "rien ne prouve"),
    ):
        path = make_drafts(data, "b", lambda i: texts["good"].format(i), gate_sha256=noted)
        assert says in rule_remark(applied, read_drafts(path))
    verdict = compare(path, path, data, GATE, tmp_path / "out")
    assert says in verdict.reasons[-1]
    inputs = json.loads((tmp_path / "out" / "verdict.json").read_text())["inputs"]
    assert (inputs["gate_sha256"], inputs["challenger_gate_sha256"]) == (applied, None)


_SERVER = {"url": "http://h/v1"}
CHANGES = {
    "a model": ({"endpoint": {**_SERVER, "model": "un"}}, {"endpoint": {**_SERVER, "model": "deux"}}, "endpoint.model"),
    "a context": ({"context": 2048}, {"context": 4096}, "context : « 2048 » et « 4096 »"),
    "a prompt's text": ({"prompt_sha256": "a" * 64}, {"prompt_sha256": "b" * 64}, "prompt_sha256 : « aaaaaaaaaaaa… »"),
    "a prompt": ({}, {"prompt": "short-1"}, "même consigne (prompt : « v1 » et « short-1 »)"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_differs_between_two_systems_is_told_with_the_rule_that_takes_them(make_data, arms, change):
    one, other, told = CHANGES[change]
    data = make_data(10)
    found = arms(data, champion=one, challenger=other)
    [fault] = seen(data, found).faults
    assert told in fault
    assert "--gate configs/eval/gate-systems.yaml" in fault
    assert "« v1 » et « v1 »" not in fault
    assert seen(data, found, GateRule.load(GATE.with_name("gate-systems.yaml"))).faults == ()
    other_backend = replace(found["challenger"], meta={**found["challenger"].meta, "decoding": {"backend": "vllm"}})
    [fault] = seen(data, found | {"challenger": other_backend}).faults
    assert "backend : rien et « vllm »" in fault


def test_the_rule_noted_first_stays_noted_while_drafts_are_kept(tmp_path):
    sidecar, changed = tmp_path / "a.meta.json", tmp_path / "gate.yaml"
    changed.write_text(GATE.read_text() + "\n# changed\n")
    first = noted_before(GATE, sidecar, kept=False)
    assert first == hashlib.sha256(GATE.read_bytes()).hexdigest()
    sidecar.write_text(json.dumps({"gate_sha256": first}))
    assert noted_before(changed, sidecar, kept=True) == first
    assert noted_before(changed, sidecar, kept=False) != first
    assert noted_before(None, sidecar, kept=False) is None
    sidecar.write_text("{}")
    assert noted_before(GATE, sidecar, kept=True) is None  # the drafts came first
    changed.write_text("confidence: 2")
    with pytest.raises(InputError):
        noted_before(changed, sidecar, kept=False)


def test_systems_are_judged_by_the_same_rule_but_for_their_prompts():
    """configs/eval/gate-systems.yaml is based on gate.yaml, and its digest covers both."""
    adapters, systems = (
        GateRule.load(GATE.with_name(name)).model_dump() for name in ("gate.yaml", "gate-systems.yaml")
    )
    assert systems["integrity"].pop("prompts_may_differ") is True
    assert adapters["integrity"].pop("prompts_may_differ") is False
    assert systems == adapters
    gate = GATE.with_name("gate-systems.yaml")
    assert rule_files(gate) == (GATE, gate)
    assert rule_sha256(GATE) == file_sha256(GATE)
    assert rule_sha256(gate) not in (file_sha256(GATE), file_sha256(gate))


def test_a_rule_is_based_on_one_file_that_is_there(tmp_path):
    for name, base in (("one", "two"), ("two", "three"), ("lost", "no")):
        (tmp_path / f"{name}.yaml").write_text(f"based_on: {base}.yaml")
    with pytest.raises(InputError, match=r"two\.yaml, which is based on another rule"):
        GateRule.load(tmp_path / "one.yaml")
    with pytest.raises(InputError, match=r"no\.yaml"):
        GateRule.load(tmp_path / "lost.yaml")
