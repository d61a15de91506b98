"""The longest run shared with a training reply, held against a search of every run."""

import json
import random

import pytest

from eval.compare import compare
from eval.copying import Copied, longest_runs
from plume.errors import InputError
from plume.files import file_sha256, read_jsonl, to_jsonl
from plume.french.text import fold, words


def searched(draft: str, learnt: dict[str, str], most: int) -> int:
    said, replies = words(fold(draft)), [words(fold(text)) for text in learnt.values()]

    def held(run: list[str]) -> int:
        return sum(any(r[i : i + len(run)] == run for i in range(len(r) - len(run) + 1)) for r in replies)

    runs = (said[i:j] for i in range(len(said)) for j in range(i + 1, len(said) + 1))
    return max((len(run) for run in runs if 1 <= held(run) <= most), default=0)


@pytest.mark.parametrize("seed", range(60))
def test_the_longest_run_is_what_a_search_of_every_run_finds(seed):
    draw = random.Random(seed)
    vocabulary = ["a", "b", "c", "d", "e"][: draw.randint(1, 5)]

    def text() -> str:
        return " ".join(draw.choices(vocabulary, k=draw.choice((0, 1, 3, 9, 17))))

    learnt = {f"{i}-1": text() for i in range(draw.choice((0, 1, 2, 8)))}
    drafts = [text() for _ in range(6)] + list(learnt.values())[:2]
    most = draw.randint(1, 4)
    found = longest_runs(drafts, [*learnt.items()], most)
    assert [one.words for one in found] == [searched(draft, learnt, most) for draft in drafts]
    for draft, one in zip(drafts, found, strict=True):
        if one.words:
            assert f" {one.run} " in f" {' '.join(words(fold(draft)))} "
            holders = [i for i, reply in learnt.items() if f" {one.run} " in f" {' '.join(words(fold(reply)))} "]
            assert (one.reply, one.replies) == (holders[0], len(holders))


FORMULA = "Nous vous remercions d'avoir pris le temps de nous écrire. "


def test_house_style_does_not_count_but_a_longer_copy_that_holds_it_does():
    learnt = {f"{i}-1": FORMULA + f"Le cas {chr(97 + i)} est à part." for i in range(8)}
    only_style, copied, other_typography = longest_runs(
        [
            "Bonjour. " + FORMULA + "Bien à vous.",
            "Bonjour. " + FORMULA + "Le cas b est clos.",
            "NOUS VOUS REMERCIONS D’AVOIR PRIS LE TEMPS DE NOUS ECRIRE, le cas C",
        ],
        [*learnt.items()],
        3,
    )
    assert only_style == Copied()
    assert (copied.words, copied.reply, copied.replies) == (15, "1-1", 1)
    assert copied.run == "nous vous remercions d avoir pris le temps de nous ecrire le cas b est"
    assert (other_typography.words, other_typography.reply) == (14, "2-1")


def test_without_replies_or_drafts_nothing_is_copied():
    assert longest_runs(["Bonjour", ""], [], 3) == [Copied(), Copied()]
    assert longest_runs([], [("1-1", "Bonjour")], 3) == []
    assert longest_runs(["", "…"], [("1-1", "Bonjour"), ("2-1", "")], 3) == [Copied(), Copied()]


OWN = (
    "La passerelle des Ormes restera fermée tant que les câbles posés en mars ne seront pas remplacés, et le bac "
    "gratuit la double chaque matin."
)
GATE = """\
safety: [{measure: "check:french", limit: 0.2}]
guardrails: [{measure: copying, margin: 0.05}]
copying: {words: %d, replies: %d}
slices: {by: []}
probes: null
"""


def test_a_rule_that_names_it_judges_copies_and_the_report_quotes_them(make_data, make_drafts, texts, tmp_path):
    data = make_data(60)
    replies = [FORMULA + f"{OWN} {i}" * (i < 2) for i in range(8)]
    learnt = [{"id": f"9{i}-1", "review": f"Avis {i}.", "reply": reply} for i, reply in enumerate(replies)]
    (data / "train.jsonl").write_bytes(to_jsonl(learnt))
    manifest = json.loads((data / "manifest.json").read_text())
    manifest["splits"]["train"]["sha256"] = file_sha256(data / "train.jsonl")
    (data / "manifest.json").write_text(json.dumps(manifest))
    champion = make_drafts(data, "champion", lambda i: FORMULA + texts["good"].format(i))
    challenger = make_drafts(data, "challenger", lambda i: f"{texts['good'].format(i)} {OWN if i % 3 == 0 else ''}")

    def judged(words, most, out):
        gate = tmp_path / f"{out}.yaml"
        gate.write_text(GATE % (words, most))
        return compare(champion, challenger, data, gate, tmp_path / out)

    verdict = judged(20, 3, "strict")
    assert verdict.outcome == "FAIL"
    reason = next(reason for reason in verdict.reasons if "recopie" in reason)
    assert "20 échecs contre 0" in reason.replace("\u00a0", " ")
    rows = {(r["id"], r["measure"]): r for r in read_jsonl(tmp_path / "strict" / "challenger.scores.jsonl")}
    copied = rows["0000-1", "copied_words"]
    assert copied["value"] == 25
    assert copied["detail"].startswith("« la passerelle des ormes restera")
    assert copied["detail"].replace("\u00a0", " ").endswith("» (réponse 90-1 et 1 autre)")
    assert rows["0000-1", "copying"]["value"] == 0
    report = (tmp_path / "strict" / "report.html").read_text(encoding="utf-8")
    assert report.count("la passerelle des ormes restera fermee") >= 20
    assert 'href="#echecs-copying"' in report
    # A longer run is allowed, or two replies make it house style: nothing is copied.
    for words_, most in ((25, 3), (20, 1)):
        reasons = judged(words_, most, f"lenient{words_}").reasons
        assert any("une perte au-delà de la marge est exclue" in reason for reason in reasons), reasons


def test_a_rule_with_a_limit_that_is_none_is_refused(tmp_path):
    from eval.rule import GateRule

    gate = tmp_path / "gate.yaml"
    gate.write_text(GATE % (0, 3))
    with pytest.raises(InputError, match=r"copying\.words"):
        GateRule.load(gate)
