"""chrF2 of drafts against published replies, as a Hugging Face `evaluate` module."""

import evaluate

import datasets
from eval import reply_similarity as scores_of


class ChrfFr(evaluate.Metric):
    def _info(self):
        return evaluate.MetricInfo(
            description="chrF2 (character n-grams up to 6, beta 2) by sacrebleu. Higher is closer to the reply.",
            citation="Popović (2015), chrF: character n-gram F-score for automatic MT evaluation, WMT.",
            inputs_description="predictions: drafts; references: the published replies, one each.",
            features=datasets.Features(
                {"predictions": datasets.Value("string"), "references": datasets.Value("string")}
            ),
        )

    def _compute(self, predictions, references, corpus=True):
        """score: mean of `scores` (0 to 100); corpus: corpus chrF2, None unless wanted; signature: sacrebleu's."""
        scores_of.texts(predictions=predictions, references=references)
        scores = [scores_of.chrf(p, r) for p, r in zip(predictions, references, strict=True)]
        return {
            "score": scores_of.mean(scores),
            "scores": scores,
            "corpus": scores_of.chrf_corpus(predictions, references) if corpus else None,
            "signature": scores_of.chrf_signature(),
        }
