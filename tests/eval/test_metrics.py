"""The `evaluate` modules say what the pure functions say, from anywhere, offline, side by side."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import fmean

import pytest

from eval import metrics, reply_similarity
from plume import checks
from plume.contacts import Directory
from plume.errors import InputError

DRAFTS = ["Bonjour, nous regrettons l’attente à l’accueil.", "Bonjour, merci de votre réponse.", ""]
REPLIES = ["Bonjour, nous regrettons cette attente.", "Bonjour, merci de votre réponse.", "Bonjour et merci."]
REVIEWS = ["Trop d’attente à l’accueil", "Réponse rapide", "Rien"]

PROGRAM = """
import json, sys
import plume  # noqa: sets the offline switches, as every command does
import evaluate
folder, drafts, replies, reviews = json.loads(sys.argv[1])
results = {}
for name in ("chrf_fr", "rouge_fr", "edit_rate"):
    module = evaluate.load(f"{folder}/{name}")
    results[name] = module.compute(predictions=drafts, references=replies)
module = evaluate.load(f"{folder}/reply_checks")
results["reply_checks"] = module.compute(predictions=drafts, reviews=reviews, prompts=reviews)
from eval import metrics
results["by load"] = metrics.load("edit_rate").compute(predictions=drafts, references=replies)
json.dump(results, sys.stdout)
"""


def results_of(processes: int, folder: Path) -> list[dict]:
    """What PROGRAM prints in so many processes at once, from empty caches, in a folder that is not the clone."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    caches = {"HF_HOME": str(folder / "hf"), "PLUME_HOME": str(folder / "plume")}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")} | caches
    arguments = json.dumps([str(Path(metrics.__file__).parent), DRAFTS, REPLIES, REVIEWS])
    pipe = subprocess.PIPE
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, arguments],
            cwd=elsewhere,
            env=environment,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        for _ in range(processes)
    ]
    outputs = [process.communicate(timeout=600) for process in started]
    assert [p.returncode for p in started] == [0] * processes, [error for _, error in outputs]
    assert not list(elsewhere.iterdir())
    return [json.loads(output) for output, _ in outputs]


def test_modules_load_by_absolute_path_offline_from_another_folder(tmp_path: Path) -> None:
    (results,) = results_of(1, tmp_path)
    assert results["chrf_fr"]["scores"] == [reply_similarity.chrf(d, r) for d, r in zip(DRAFTS, REPLIES, strict=True)]
    assert results["rouge_fr"]["by_sample"] == [
        reply_similarity.rouge(d, r) for d, r in zip(DRAFTS, REPLIES, strict=True)
    ]
    assert results["edit_rate"] == results["by load"]
    assert len(results["reply_checks"]["findings"]) == len(DRAFTS)


@pytest.mark.long
def test_processes_that_load_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    first, *others = results_of(3, tmp_path)
    assert others == [first, first]


@pytest.fixture(scope="module")
def plume_home(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUME_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.mark.usefixtures("plume_home")
class TestLoad:
    def test_chrf_fr_is_chrf(self) -> None:
        result = metrics.load("chrf_fr").compute(predictions=DRAFTS, references=REPLIES)
        assert result["scores"] == [reply_similarity.chrf(d, r) for d, r in zip(DRAFTS, REPLIES, strict=True)]
        assert result["score"] == fmean(result["scores"])
        assert result["corpus"] == reply_similarity.chrf_corpus(DRAFTS, REPLIES)
        assert result["signature"] == reply_similarity.chrf_signature()

    def test_rouge_fr_is_rouge(self) -> None:
        result = metrics.load("rouge_fr").compute(predictions=DRAFTS, references=REPLIES)
        assert result["by_sample"] == [reply_similarity.rouge(d, r) for d, r in zip(DRAFTS, REPLIES, strict=True)]
        assert result["rouge1"] == fmean(s["rouge1"] for s in result["by_sample"])
        assert result["score"] == result["rougeL"] == fmean(result["scores"])

    def test_edit_rate_is_edit_rate(self) -> None:
        result = metrics.load("edit_rate").compute(predictions=DRAFTS, references=REPLIES)
        assert result["scores"] == [reply_similarity.edit_rate(d, r) for d, r in zip(DRAFTS, REPLIES, strict=True)]
        assert result["score"] == fmean(result["scores"])

    def test_reply_checks_are_the_checks(self) -> None:
        directory = Directory()
        sentiments = ["Négatif", "Positif", None]
        result = metrics.load("reply_checks").compute(
            predictions=DRAFTS, reviews=REVIEWS, prompts=REVIEWS, sentiments=sentiments, directory=directory
        )
        for draft, review, sentiment, found in zip(DRAFTS, REVIEWS, sentiments, result["findings"], strict=True):
            expected = checks.check(draft, review=review, prompt=review, directory=directory, sentiment=sentiment)
            assert [checks.Finding(**f) for f in found] == expected
        assert result["scores"] == [0.0, 0.0, 0.0]  # all three are too short
        assert result["rates"]["greeting"] == pytest.approx(2 / 3)
        assert tuple(result["rates"]) == checks.GATING + checks.SIGNALS

    def test_features_are_declared_as_texts(self) -> None:
        features = {name: set(metrics.load(name).features) for name in metrics.NAMES}
        both = {"predictions", "references"}
        checked = {"predictions", "reviews", "prompts"}
        assert features == {"chrf_fr": both, "rouge_fr": both, "edit_rate": both, "reply_checks": checked}
        assert {f.dtype for name in metrics.NAMES for f in metrics.load(name).features.values()} == {"string"}

    def test_a_module_may_be_used_again_and_batch_by_batch(self) -> None:
        module = metrics.load("edit_rate")
        whole = module.compute(predictions=DRAFTS, references=REPLIES)
        for draft, reply in zip(DRAFTS, REPLIES, strict=True):
            module.add(prediction=draft, reference=reply)
        assert module.compute() == whole

    def test_no_draft_is_no_score(self) -> None:
        with pytest.raises(InputError, match="no draft to score"):
            metrics.load("chrf_fr").compute(predictions=[], references=[])

    def test_a_missing_draft_is_named(self) -> None:
        with pytest.raises(InputError, match=r"predictions\[1\] is not a text"):
            metrics.load("edit_rate").compute(predictions=["a", None], references=["a", "b"])

    def test_a_missing_reply_is_named(self) -> None:
        with pytest.raises(InputError, match=r"references\[0\] holds no word"):
            metrics.load("rouge_fr").compute(predictions=["a"], references=[""])

    def test_columns_of_different_length_are_refused(self) -> None:
        with pytest.raises(ValueError, match="Mismatch in the number of predictions"):
            metrics.load("chrf_fr").compute(predictions=["a", "b"], references=["a"])

    def test_what_is_no_text_is_refused(self) -> None:
        with pytest.raises(ValueError, match="don't match the expected format"):
            metrics.load("chrf_fr").compute(predictions=[["a"]], references=["a"])

    def test_sentiments_are_one_each(self) -> None:
        with pytest.raises(InputError, match="1 sentiments for 2 predictions"):
            metrics.load("reply_checks").compute(
                predictions=["a", "b"], reviews=["a", "b"], prompts=["", ""], sentiments=[None]
            )

    def test_an_unknown_name_lists_the_known_ones(self) -> None:
        with pytest.raises(InputError, match="'bleu': unknown; known ones: chrf_fr, edit_rate, reply_checks, rouge_fr"):
            metrics.load("bleu")
