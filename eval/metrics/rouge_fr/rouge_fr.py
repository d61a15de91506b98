"""ROUGE of drafts against published replies, with words cut as French wants it, as a Hugging Face `evaluate` module."""

import evaluate

import datasets
from eval import reply_similarity as scores_of


class RougeFr(evaluate.Metric):
    def _info(self):
        return evaluate.MetricInfo(
            description="ROUGE-1, ROUGE-2 and ROUGE-L F1 on accent-safe lower-case words, without stemming.",
            citation="Lin (2004), ROUGE: a package for automatic evaluation of summaries, ACL workshop.",
            inputs_description="predictions: drafts; references: the published replies, one each.",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions, references):
        """score and scores: ROUGE-L; rouge1, rouge2, rougeL: means; by_sample: the three of each draft (0 to 1)."""
        scores_of.texts(predictions=predictions, references=references)
        by_sample = [scores_of.rouge(p, r) for p, r in zip(predictions, references, strict=True)]
        means = {kind: scores_of.mean([s[kind] for s in by_sample]) for kind in ("rouge1", "rouge2", "rougeL")}
        return {
            "score": means["rougeL"],
            "scores": [s["rougeL"] for s in by_sample],
            **means,
            "by_sample": by_sample,
        }
