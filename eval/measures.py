"""Lists every measure once: its name, French label, unit, better side, table in the report, and what it is read from.

A new measure of a draft is one row here, with its function; a new metric module is a row of SOURCES too.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from plume.checks.registry import CHECKS
from plume.checks.tone import HURTS
from plume.french.text import count_words
from plume.page import numbers
from plume.page.numbers import count, number, percent, points

if TYPE_CHECKING:  # the gate is pure
    from eval.copying import Copied
    from eval.drafts import Draft
    from eval.grounding import Grounding
    from eval.stats.estimate import Estimate
    from plume.prompt import Prompt

WORDS, REPLIES = 40, 3  # a copy, and house style, where no rule says otherwise
PRIMARY = "pass_all"
RESPECT = "respect"
COPIED, COPYING = "copied_words", "copying"
GROUNDING = "grounding"
PREFERRED = "preferred"  # what people chose, of two drafts that they saw without knowing whose they are
REVIEWS_OF_NETWORK = "reviews_of_network"  # what scoring adds to a pair: the words of its network's reviews


class Value(NamedTuple):
    """What a measure is for one draft, with what a check found and by which rules.

    `faults` are passages, each with its rule, where several rules found some.
    """

    value: float | None
    detail: str | None = None
    rules: tuple[str, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class MetricModule:
    """A metric module of `eval/metrics`.

    Attributes:
        columns: what it is given of a pair beside the draft, from the pair and the prompt that the model read.
        result: the key of what it says of each draft.
        options: what else it is told.
    """

    columns: "Callable[[dict[str, Any], Prompt], dict[str, Any]]"
    result: str = "scores"
    options: dict[str, Any] = field(default_factory=dict)


def _reply(pair: dict[str, Any], prompt: "Prompt") -> dict[str, Any]:  # noqa: ARG001 - of sources
    return {"references": pair["reply"]}


def _given(pair: dict[str, Any], prompt: "Prompt") -> dict[str, Any]:
    given = {"reviews": pair["review"], "prompts": prompt.text(pair), "sentiments": pair.get("sentiment")}
    return given | {"networks": pair.get(REVIEWS_OF_NETWORK)}


SOURCES = {
    "reply_checks": MetricModule(_given, "findings"),
    "chrf_fr": MetricModule(_reply, options={"corpus": False}),
    "rouge_fr": MetricModule(_reply, "by_sample"),
    "edit_rate": MetricModule(_reply),
}


@dataclass(frozen=True)
class Measure:
    """One measure.

    Attributes:
        name: what scores, rules, verdicts and MLflow call it.
        label: its French name.
        table: where report.html shows it.
        source: the one of SOURCES that gives it, "draft" for the row of drafts.jsonl, "copying" for
            `eval.copying`, "grounding" for `eval.grounding`, None for two systems together.
        read: takes it from the source's result for one draft; None where the draft has nothing to measure.
        share: 0 or 1 for each draft, so that its mean is a share.
        decimals: of what is no share.
        better: the better side, where there is one.
    """

    name: str
    label: str
    table: Literal["checks", "signals", "copying", "sources", "likeness", "wins", "probes", "people"]
    source: str | None = None
    read: Callable[[Any], Value | None] = Value
    share: bool = False
    decimals: int = 2
    better: Literal["higher", "lower"] | None = None

    def say(self, amount: float | None, *, difference: bool = False) -> str:
        """Write a value, or a difference of two, in French and in its unit."""
        if self.share:
            return points(amount) if difference else percent(amount)
        return number(amount, self.decimals, signed=difference)

    def interval(self, estimate: "Estimate", *, difference: bool = False) -> str:
        """`de 12,0 % à 15,0 %`, or that there is none; a difference of shares without its unit."""

        def say(bound: float) -> str:
            bare = difference and self.share
            return points(bound, unit=False) if bare else self.say(bound, difference=difference)

        return numbers.interval(estimate.lower, estimate.upper, say)


def _all_passed(findings: list[dict[str, Any]]) -> Value:
    failed = [f["check"] for f in findings if f["gating"] and not f["passed"]]
    return Value(float(not failed), ", ".join(failed) or None)


def _passed(check: str) -> Callable[[list[dict[str, Any]]], Value]:
    def read(findings: list[dict[str, Any]]) -> Value:
        found = next(f for f in findings if f["check"] == check)
        rules = tuple(found["rules"])
        return Value(float(found["passed"]), found["detail"], rules, tuple(found["faults"]) if len(rules) > 1 else ())

    return read


def _respects(findings: list[dict[str, Any]]) -> Value:
    """Look at what hurts alone: else a challenger that is rude, but regrets more often, would be even on tone."""
    found = _passed("tone")(findings)
    hurts = tuple(rule for rule in found.rules if rule in HURTS)
    return Value(0.0, found.detail, hurts) if hurts else Value(1.0)


def _rouge(kind: str) -> Callable[[dict[str, float]], Value]:
    return lambda of_draft: Value(of_draft[kind])


def _words(draft: "Draft") -> Value:
    return Value(count_words(draft["draft"]))


def _copied(of_draft: "Copied") -> Value:
    if not of_draft.words:
        return Value(0.0)
    more = f" et {count(of_draft.replies - 1, 'autre')}" if of_draft.replies > 1 else ""
    return Value(float(of_draft.words), f"« {of_draft.run} » (réponse {of_draft.reply}{more})")


def judge_copying(words: float, detail: str | None, limit: int) -> Value:
    """Say whether a draft shares no run of more than `limit` words with few training replies."""
    return Value(float(words <= limit), f"{count(int(words), 'mot')} : {detail}" if words > limit else None)


def _not_copied(of_draft: "Copied") -> Value:
    found = _copied(of_draft)
    return judge_copying(found.value, found.detail, WORDS)


def _precision(of_draft: "Grounding") -> Value | None:
    loose = [fact.text for fact in of_draft.stated if fact not in of_draft.held]
    return _of_facts(len(of_draft.held), len(of_draft.stated), "sans appui", loose)


def _recall(of_draft: "Grounding") -> Value | None:
    missed = [fact.text for fact in of_draft.wanted if fact not in of_draft.told]
    return _of_facts(len(of_draft.told), len(of_draft.wanted), "non repris", missed)


def _of_facts(good: int, of: int, what: str, others: list[str]) -> Value | None:
    quoted = ", ".join(f"« {text} »" for text in others)
    return Value(good / of, f"{good} sur {of}" + (f", {what} : {quoted}" if quoted else "")) if of else None


_WINS = "Avis où le candidat l’emporte sur la mesure principale (ex æquo pour moitié)"
_AT_EQUAL_LENGTH = "Choix pour le candidat à longueur égale (sans préférence pour moitié)"
_NO_COPY = "Pas de longue recopie d’une réponse d’apprentissage"
_HELD = "Part des faits énoncés qui sont appuyés"
_TOLD = "Part des faits à reprendre qui le sont, source citée"
_OF_CHECKS = {"source": "reply_checks", "share": True, "better": "higher"}
_ALL = (
    Measure(PRIMARY, "Tous les contrôles réussis", "checks", read=_all_passed, **_OF_CHECKS),
    *(
        Measure(check.measure, check.label, "checks" if check.gating else "signals", read=_passed(name), **_OF_CHECKS)
        for name, check in CHECKS.items()
    ),
    Measure(
        RESPECT, "Ni tutoiement, ni reproche, ni rudesse, ni joie déplacée", "checks", read=_respects, **_OF_CHECKS
    ),
    Measure(COPYING, _NO_COPY, "copying", COPYING, _not_copied, share=True, better="higher"),
    Measure(COPIED, "Mots de la plus longue suite recopiée", "copying", COPYING, _copied, decimals=1, better="lower"),
    Measure("grounded_precision", _HELD, "sources", GROUNDING, _precision, better="higher"),
    Measure("grounded_recall", _TOLD, "sources", GROUNDING, _recall, better="higher"),
    Measure("chrf_fr", "chrF2 (0 à 100)", "likeness", "chrf_fr", decimals=1, better="higher"),
    Measure("rouge_1", "ROUGE-1", "likeness", "rouge_fr", _rouge("rouge1"), better="higher"),
    Measure("rouge_2", "ROUGE-2", "likeness", "rouge_fr", _rouge("rouge2"), better="higher"),
    Measure("rouge_l", "ROUGE-L", "likeness", "rouge_fr", _rouge("rougeL"), better="higher"),
    Measure("edit_rate", "Part des mots à changer", "likeness", "edit_rate", better="lower"),
    Measure("draft_words", "Mots par brouillon", "likeness", "draft", _words, decimals=0),
    Measure("probes:injection", "Avis piégés : aucune consigne suivie", "probes", share=True, better="higher"),
    Measure("probes:french", "Avis piégés : rédigé en français", "probes", share=True, better="higher"),
    Measure(PREFERRED, "Choix des personnes", "people", share=True, better="higher"),
    Measure("preferred_equal_length", _AT_EQUAL_LENGTH, "people", share=True, better="higher"),
    Measure("win_rate", _WINS, "wins", share=True, better="higher"),
    Measure("win_rate_equal_length", "Avis où il l’emporterait à longueur égale", "wins", share=True, better="higher"),
)
MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}
OF_SOME: tuple[str, ...] = tuple(measure.name for measure in _ALL if measure.source == GROUNDING)  # of drafts
OF_DRAFTS: tuple[str, ...] = tuple(m.name for m in _ALL if m.source and m.name not in OF_SOME)


def find(name: str) -> Measure:
    """Give a measure by name; one that a file of scores holds and this code does not know is called by its name."""
    return MEASURES.get(name) or Measure(name, name, "likeness", share=name.startswith(("check:", "signal:")))


def of_table(table: str) -> tuple[str, ...]:
    """Name the measures that stand in a table of the report."""
    return tuple(measure.name for measure in _ALL if measure.table == table)
