"""The pages that people sign, in a real browser: on a phone, on a desk and printed."""

import json
import random
from dataclasses import asdict

from eval import report_ranking, trend_page
from eval.compare import compare
from eval.memory import page
from eval.memory.exposure import Seen, control, estimate
from eval.study.analysis import page as study_page
from eval.study.analysis.findings import findings
from eval.study.analysis.inputs import MISSING, Inputs, Rules
from eval.study.simulate import Truth, items, simulate
from eval.time.run import run
from plume.files import to_jsonl, write
from plume.paths import ROOT


def test_report_is_signed_on_its_first_sheet(browser, make_data, make_drafts, texts, tmp_path):
    data = make_data(40)
    unsafe = texts["good"] + " Appelez le 01 99 00 12 34."

    def worse(i):
        return RuntimeError("cut off") if i == 3 else (texts["worse"] if i % 2 else unsafe).format(i)

    drafts = [make_drafts(data, "a", lambda i: texts["good"].format(i)), make_drafts(data, "b", worse)]
    rows = [
        {
            "id": f"{i:04d}-1",
            "left": "ab"[(i + k) % 2],
            "right": "ba"[(i + k) % 2],
            "choice": ("left", "equal")[i % 3 > 0],
        }
        | {"rater": str(k), "reasons": ["tone"], "note": "Un peu long."}
        for i in range(40)
        for k in range(3)
    ]
    ratings = tmp_path / "ratings.jsonl"
    ratings.write_bytes(to_jsonl(rows))
    compare(*drafts, data, ROOT / "configs/eval/gate.yaml", tmp_path / "out", ratings=[ratings])
    sheets, headings = browser.look_over(tmp_path / "out" / "report.html")
    assert headings["Décision"] == 1
    assert headings["La règle, point par point"] > 1
    assert headings["Ce que les personnes préfèrent"] > 1
    assert sheets <= 7


def test_time_page(browser, sample_export, tmp_path):
    figures = {"time_ratio": 0.7, "minutes_saved": 2, "minutes_with_draft": 4, "minutes_without_draft": 6}
    rows = [
        {"quantity": quantity, "group": group, "estimate": value, "lower": value - 0.2, "upper": value + 0.2, "n": 96}
        for group in ("all", "novice", "expert")
        for quantity, value in figures.items()
    ]
    study = tmp_path / "study.json"
    study.write_text(json.dumps({"estimates": rows, "preregistration": {"holds": True}}), encoding="utf-8")
    run(sample_export, tmp_path / "time", study=study, draws=300)
    sheets, headings = browser.look_over(tmp_path / "time" / "time.html")
    assert headings["Trois quantités, jamais mêlées"] == 1
    assert sheets <= 8


def test_ranking_and_trend_pages(browser, tmp_path):
    system = {"imported": False, "n": 840, "n_error": 0, "needs_items": None, "drafts_sha256": "0" * 64}
    names = ["plume-reply@v4 with a long name of its own", "plume-reply@v3", "Prestataire"]
    systems = [
        {
            **system,
            "id": f"{n}-{n}" if n else "champion",
            "system": name,
            "role": "challenger" if n else "champion",
            **dict(zip(("rank", "best_rank", "worst_rank"), (n + 1, 1, 3), strict=True)),
            **dict(zip(("estimate", "lower", "upper"), (0.9 - n / 10, 0.85 - n / 10, 0.93 - n / 10), strict=True)),
            "outcome": ("INCONCLUSIVE", "FAIL")[n - 1] if n else None,
            "verdict": f"{n}-{n}/verdict.json" if n else None,
        }
        for n, name in enumerate(names)
    ]
    pairs = [("champion", "1-1", 0.1, 0.05), ("champion", "2-2", 0.2, 0.1), ("1-1", "2-2", 0.02, -0.03)]
    ranking = {
        "outcome": "INCONCLUSIVE",
        "measure": "pass_all",
        "confidence": 0.95,
        "interval_confidence": 0.98,
        "levels": {"bounds": 0.975, "primary": 0.97},
        "systems": systems,
        "differences": [
            {**dict(zip(("first", "second", "estimate", "lower"), pair, strict=True)), "upper": pair[2] + 0.1}
            | {"n": 840, "n_error": 0, "told_apart": pair[3] > 0}
            for pair in pairs
        ],
    }
    (tmp_path / "ranking.html").write_text(report_ranking.render(ranking), encoding="utf-8")
    sheets, headings = browser.look_over(tmp_path / "ranking.html")
    assert headings["Les systèmes, par rang"] == 1
    assert sheets <= 3

    promotions = []
    for n in range(15):
        share = 0.6 + n / 50
        arms = {key: _estimate(value) for key, value in (("before", share), ("after", share + 0.06))}
        told = {
            "run_id": "0" * 32,
            "outcome": "PASS",
            "objection": None,
            "checks_off": None,
            "by": "Ada",
            "reason": ".",
        }
        digests = dict.fromkeys(("verdict_sha256", "split_sha256", "gate_sha256", "scorer_sha256"), "0" * 64)
        one = {
            "version": n + 1,
            "at": f"2026-{1 + n % 12:02d}-03T10:00:00+00:00",
            "how": "verdict",
            "former": n or None,
        }
        figures = {"measure": "pass_all", "difference": _estimate(0.06), "same_as_before": n % 4 != 0, **arms} | {
            "of_another": False
        }
        promotions.append(one | told | digests | (figures if n else dict.fromkeys(figures) | {"of_another": False}))
    document = {"champion": 15, "promotions": promotions, "store": "sqlite:///mlflow.db"}
    (tmp_path / "trend.html").write_text(trend_page.render(document), encoding="utf-8")
    sheets, _ = browser.look_over(tmp_path / "trend.html")
    assert sheets <= 4


def _estimate(share):
    return {"estimate": share, "lower": share - 0.03, "upper": share + 0.03, "n": 840, "n_error": 0}


def test_memory_page(browser, tmp_path):
    dice = random.Random(0)
    seen = [
        Seen(f"canary-{n:03d}", place, times, system, 0 if learnt else dice.randrange(128), 127, learnt and n % 2 == 0)
        for place in ("review", "reply")
        for times in (1, 2, 4, 8)
        for n in range(8)
        for system in ("base", "adapter")
        for learnt in [(system, place) == ("adapter", "reply") and times > 2]
    ]
    document = {
        "estimates": [line.as_dict() for line in estimate(seen)],
        "control": asdict(control(seen)),
        "canaries": [one.as_dict() for one in seen],
        "format": "######",
        "space_bits": 19.9,
        "alternatives": 127,
        "most_bits": 7.0,
        "chance_bits": 1.4,
        "base": "tiny",
        "prompt": "v1",
        "inputs": dict.fromkeys(("adapter_sha256", "canaries_sha256"), "0" * 64),
        "trained": {"pairs": 317, "steps": 70, "epochs": 1.8, "learning_rate": 0.002, "rank": 16},
    }
    document["inputs"]["train_split_sha256"] = "1" * 64
    (tmp_path / "memory.html").write_text(page.render(document), encoding="utf-8")
    sheets, headings = browser.look_over(tmp_path / "memory.html")
    assert headings["1. Résultat"] == 1
    assert sheets <= 4
    told = [*page.sentences(document)]
    assert told[0].endswith(
        "aucune trace mesurable, jusqu’à 8 répétitions ; restitués mot pour mot : 0 sur 32\u00a0secrets."
    )
    assert told[2].startswith("Témoin (modèle de base) : 1,5")
    assert told[2].endswith("pour 1,40 au hasard : conforme.")
    assert "trace mesurable à 4 et 8 répétition(s)" in told[1]


def test_study_page(browser, tmp_path):
    study = simulate(Truth(agents=6, items=6, comparisons=3, finals=3), 2)
    found = findings(Inputs(study, items(6), Rules(MISSING, "a" * 64, None, None), {"items.jsonl": "b" * 64}))
    write(tmp_path / "study.html", study_page.render(found))
    sheets, headings = browser.look_over(tmp_path / "study.html")
    assert headings["Le temps"] == 1
    assert sheets <= 5
