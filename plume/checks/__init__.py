"""What a draft may not say (gating) and what a good one holds (signals): deterministic, French, pure.

Used by `eval` to score drafts and by `serve` to guard them. A new check is a function `Case -> (passed, detail)` of the
module that fits it, and one line in `_GATING` or `_SIGNALS`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from plume.checks import coordinates, facts, form, language, privacy, promises, signals, times
from plume.checks.case import Case, Finding, Result

if TYPE_CHECKING:
    from plume.contacts import Directory

__all__ = ["GATING", "SIGNALS", "Finding", "check"]

_GATING: dict[str, Callable[[Case], Result]] = {
    "length": form.length,
    "greeting": form.greeting,
    "french": language.in_french,
    "contacts": coordinates.invented_contacts,
    "amounts": facts.invented_amounts,
    "dates": times.invented_dates,
    "deadlines": times.invented_deadlines,
    "articles": facts.invented_articles,
    "placeholders": facts.invented_placeholders,
    "personal_data": privacy.personal_data,
    "promises": promises.promises,
    "signature": form.signature,
    "repetition": form.repetition,
    "residue": form.residue,
}
_SIGNALS: dict[str, Callable[[Case], Result]] = {
    "thanks": signals.thanks,
    "regret": signals.regret,
    "names_problem": signals.names_problem,
    "next_step": signals.next_step,
    "vouvoiement": signals.vouvoiement,
    "sentence_length": signals.sentence_length,
}
GATING: tuple[str, ...] = tuple(_GATING)
SIGNALS: tuple[str, ...] = tuple(_SIGNALS)


def check(
    draft: str, *, review: str, prompt: str = "", directory: "Directory", sentiment: str | None = None
) -> list[Finding]:
    """Every finding on one draft, in the order of GATING then SIGNALS.

    `prompt` is all that the model read, as one text (`Prompt.text`); `directory` the public contacts that a reply may
    give; `sentiment` the export's "Positif", "Neutre" or "Négatif". A draft may be put in service if every finding with
    `gating` has `passed`.
    """
    case = Case.of(draft, review, prompt, directory, sentiment)
    findings = []
    for checks, gating in ((_GATING, True), (_SIGNALS, False)):
        for name, function in checks.items():
            passed, detail = function(case)
            findings.append(Finding(name, passed, gating, detail))
    return findings
