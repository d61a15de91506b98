"""How much of a draft would have to change to become the published reply, as a Hugging Face `evaluate` module."""

import evaluate

import datasets
from eval import reply_similarity as scores_of


class EditRate(evaluate.Metric):
    def _info(self):
        return evaluate.MetricInfo(
            description="Word-level Levenshtein distance by the longer text, 0 (same words) to 1. Lower is closer.",
            citation="Levenshtein (1966), Binary codes capable of correcting deletions, insertions and reversals.",
            inputs_description="predictions: drafts; references: the published replies, one each.",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions, references):
        """score: mean of `scores`."""
        scores_of.texts(predictions=predictions, references=references)
        scores = [scores_of.edit_rate(p, r) for p, r in zip(predictions, references, strict=True)]
        return {"score": scores_of.mean(scores), "scores": scores}
