"""The share of drafts that pass every gating check, and each finding, as a Hugging Face `evaluate` module."""

import evaluate

import datasets
from eval import reply_similarity as scores_of
from plume import checks, contacts, errors


class ReplyChecks(evaluate.Metric):
    def _info(self):
        return evaluate.MetricInfo(
            description="Deterministic French checks (plume.checks): what a draft may not say, what it should hold.",
            citation="plume",
            inputs_description=(
                "predictions: drafts; reviews: the citizens' texts; prompts: all that the model read, one text each. "
                "Optional: sentiments (a list of the export's values or None), networks (a list of plume.checks.stems."
                "Network or None: how rare a word is in each review's network), directory (a path, or a plume.contacts."
                "Directory; by default the one that plume ships)."
            ),
            features=datasets.Features(
                {
                    "predictions": datasets.Value("string"),
                    "reviews": datasets.Value("string"),
                    "prompts": datasets.Value("string"),
                }
            ),
        )

    def _compute(self, predictions, reviews, prompts, sentiments=None, networks=None, directory=None):
        """score: share of drafts that pass every gating check; scores: 1.0 or 0.0 each; rates: share that passes each
        check, signals too; findings: per draft, a list of {check, passed, gating, detail}."""
        scores_of.texts(predictions=predictions, reviews=reviews, prompts=prompts)
        sentiments = [None] * len(predictions) if sentiments is None else sentiments
        networks = [None] * len(predictions) if networks is None else networks
        if len(sentiments) != len(predictions):
            raise errors.InputError(f"{len(sentiments)} sentiments for {len(predictions)} predictions: give one each")
        if not isinstance(directory, contacts.Directory):
            directory = contacts.Directory.load(directory)
        findings = [
            [
                vars(f)
                for f in checks.check(
                    draft, review=review, prompt=prompt, directory=directory, sentiment=sentiment, network=network
                )
            ]
            for draft, review, prompt, sentiment, network in zip(
                predictions, reviews, prompts, sentiments, networks, strict=True
            )
        ]
        scores = [float(all(f["passed"] for f in found if f["gating"])) for found in findings]
        return {
            "score": scores_of.mean(scores),
            "scores": scores,
            "rates": {
                name: scores_of.mean([float(f["passed"]) for found in findings for f in found if f["check"] == name])
                for name in (*checks.GATING, *checks.SIGNALS)
            },
            "findings": findings,
        }
