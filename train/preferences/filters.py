"""Leave out judgements that would teach nothing, or what must never be taught; each with its reason."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from rapidfuzz.distance import Levenshtein

from plume.checks import CHECKS, check
from plume.checks.case import Case
from plume.checks.form import GREETINGS
from plume.checks.placeholders import invented_placeholders
from plume.contacts import Directory
from plume.corpus.clean_reply import clean_reply
from plume.corpus.mask import pseudonymiser
from plume.french.rules import in_turn, reading
from plume.french.text import fold, plain, words
from plume.prompt import Prompt
from train.preferences.comparisons import Judgement
from train.preferences.config import PreferencesConfig

Dropped = list[dict[str, str]]
_OWN_REVIEW = ("review", "title")  # of a row that holds its review: masked when it was served


def sift(given: Iterable[Judgement], config: PreferencesConfig, prompt: Prompt) -> tuple[list[Judgement], Dropped]:
    """Part judgements into those that are learnt from and the rows of dropped.jsonl: together all that was given."""
    sieve = Sieve(config, prompt)
    kept, dropped = [], []
    seen: set[tuple[str, str | None, str | None]] = set()
    for each in given:
        same = (each.review_key, _form(each.good), _form(each.bad))
        reason = each.fault or ("said before, of the same texts" if same in seen else sieve.fault(each))
        if reason:
            dropped.append(each.dropped(reason))
            continue
        seen.add(same)
        kept.append(each)
    torn = set(_contradictory(kept, config.method))
    dropped += [kept[i].dropped("contradicts another judgement on the same texts") for i in sorted(torn)]
    return [each for i, each in enumerate(kept) if i not in torn], dropped


class Sieve:
    """Says what is wrong with one judgement."""

    def __init__(self, config: PreferencesConfig, prompt: Prompt) -> None:
        self._config, self._prompt, self._directory = config, prompt, Directory.load()

    def fault(self, each: Judgement) -> str:
        """Give the first reason to leave a judgement out; empty if there is none. The cheap ones are asked first."""
        return next(filter(None, self._faults(each)), "")

    def _faults(self, each: Judgement) -> Iterator[str]:
        assert each.review
        if self._config.method == "dpo" and not (each.good and each.bad):
            yield f"{each.said}: no second text, and dpo learns from pairs"
        if each.good and each.bad:
            yield _edit_fault(each.good, each.bad, self._config.least_edit if each.of_agent else 0.0)
        for text in filter(None, (each.good, each.bad)):
            yield self._withheld(each, text)
        if each.good:
            yield self._teaches(each, each.good)
        if each.bad:
            yield self._leaks(each, each.bad)
        yield self._unmasked(each)

    def _case(self, each: Judgement, text: str) -> Case:
        return Case.of(text, each.review["review"], self._prompt.text(each.review), self._directory, None)

    def _withheld(self, each: Judgement, text: str) -> str:
        """A mark that the model did not read stands for what serving withheld: the model did not write it."""
        passed = invented_placeholders(self._case(each, text))[0]
        return "" if passed else "holds a mark in place of withheld text, or a blank to fill"

    def _teaches(self, each: Judgement, text: str) -> str:
        """What a verdict would fail is never wanted, whoever wrote it."""
        review, sentiment = each.review["review"], each.review.get("sentiment")
        found = check(
            text, review=review, prompt=self._prompt.text(each.review), directory=self._directory, sentiment=sentiment
        )
        failed = [finding.check for finding in found if finding.gating and not finding.passed]
        return f"the wanted text fails {', '.join(failed)}" if failed else ""

    def _leaks(self, each: Judgement, text: str) -> str:
        passed = CHECKS["personal_data"].ask(self._case(each, text))[0]
        return "" if passed else "the unwanted text holds personal data"

    def _unmasked(self, each: Judgement) -> str:
        """What people wrote was masked before it was kept; masking it again must change nothing."""
        texts = [each.good] if each.of_agent and each.good else []
        if "sentiment" not in each.review:  # the row's own
            texts += [each.review[key] for key in _OWN_REVIEW if each.review[key]]
        found = texts and pseudonymiser(self._config.ner).find_many(texts)
        return "not pseudonymised: plume data anonymise finds identifiers in it" if any(found) else ""


def _edit_fault(good: str, bad: str, least: float) -> str:
    if _form(good) == _form(bad):
        return "a copy: final and draft are one text"
    one, other = _core(good), _core(bad)
    if one == other:
        return "a trivial edit: only spaces, punctuation, greeting or closing differ"
    changed = Levenshtein.normalized_distance(one, other)
    return f"a trivial edit: {changed:.1%} of the words differ" if changed < least else ""


def _form(text: str | None) -> str | None:
    return text and " ".join(plain(text).split())


def _core(text: str) -> list[str]:
    """The words that say something: without the greeting at the start and the formula at the end."""
    body, _ = clean_reply(text)
    greeting = next(in_turn(reading(body), GREETINGS), None)
    return words(fold(body[greeting.match.end() :] if greeting else body))


def _contradictory(kept: list[Judgement], method: str) -> Iterator[int]:
    """Yield the places of judgements that say of texts what others deny: both ways round, or wanted and not."""
    good, bad = defaultdict(list), defaultdict(list)
    for place, each in enumerate(kept):
        texts = _form(each.good), _form(each.bad)
        if method == "dpo":
            good[each.review_key, *texts].append(place)
            bad[each.review_key, *texts[::-1]].append(place)
        else:
            good[each.review_key, texts[0]].append(place)
            bad[each.review_key, texts[1]].append(place)
    for key in good.keys() & bad.keys():
        if None not in key:
            yield from (*good[key], *bad[key])
