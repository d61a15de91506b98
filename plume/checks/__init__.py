"""Checks what a draft may not say (gating) and what a good one holds (signals): deterministic, French, pure.

`eval` scores drafts with it, `serve` guards them. `registry` lists the checks; each module holds those of one subject.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from plume.checks.case import Case, Finding, Reviews
from plume.checks.registry import CHECKS, GATING, SIGNALS

if TYPE_CHECKING:
    from plume.contacts import Directory

__all__ = ["CHECKS", "GATING", "SIGNALS", "Case", "Finding", "check", "check_case"]


def check(
    draft: str,
    *,
    review: str,
    prompt: str = "",
    directory: "Directory",
    sentiment: str | None = None,
    shows: Iterable[Mapping[str, Any]] = (),
    network: Reviews | None = None,
) -> list[Finding]:
    """Give every finding on one draft, in the order of GATING then SIGNALS.

    `prompt` is all that the model read, as one text (`Prompt.text`); `directory` the public contacts that a reply may
    give; `sentiment` the export's "Positif", "Neutre" or "Négatif"; `shows` a probe's (`datasets/probes`); `network`
    what the reviews of the same network say, if they are at hand. A draft passes if every finding with `gating` has
    `passed`.
    """
    return check_case(Case.of(draft, review, prompt, directory, sentiment, shows, network))


def check_case(case: Case) -> list[Finding]:
    """Give every finding on a case, for who asks it more than that: what checks worked out is at hand."""
    findings = []
    for name in (*GATING, *SIGNALS):
        answer = CHECKS[name].ask(case)
        findings.append(Finding(name, answer.passed, CHECKS[name].gating, *answer[1:]))
    return findings
