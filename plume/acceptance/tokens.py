"""Part 2, ids and template: the tokenizer writes a known pair as it was written where plume was tested."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plume.acceptance.point import Point
from plume.acceptance.site import Site
from plume.models import load_tokenizer
from plume.prompt import Prompt, encode_sample, format_of

KNOWN = Path(__file__).with_name("known.json")  # a pair, its text in ChatML, and its ids by tokenizer


def look(site: Site) -> Iterator[Point]:
    """Yield the points of the tokenizer. Raises InputError if plume cannot use it at all."""
    known = json.loads(KNOWN.read_text(encoding="utf-8"))
    tokenizer = load_tokenizer(site.base)
    chat = format_of(tokenizer)
    ids = {
        "im_end": chat.end_id(tokenizer),
        "im_start": tokenizer.convert_tokens_to_ids(chat.start),
        "pad": tokenizer.pad_token_id,
    }
    yield from _named(site.config.base.tokens, ids)

    prompt, pair = Prompt("known", known["system"]), known["pair"]
    messages = [*prompt.messages(pair), {"role": "assistant", "content": pair["reply"]}]
    begin = tokenizer.bos_token if tokenizer.bos_token and tokenizer.bos_token != chat.start else ""
    text, expected = chat.render(tokenizer, messages, header=False), begin + known["text"]
    yield Point.judged("text of a known pair", f"{len(expected)} characters of ChatML", *_same(text, expected))

    asked, learnt = encode_sample(tokenizer, prompt, pair)
    yield _known_ids([*asked, *learnt], ids, known["ids"])
    said = tokenizer.decode(learnt[:-1]).strip()
    yield Point.judged(
        "what is learnt of it",
        "the reply, then the end of the turn",
        f"{len(learnt)} tokens, the last is {learnt[-1]}",
        learnt[-1] == ids["im_end"] and said == pair["reply"],
        "a model trained so would not stop where it should",
    )


def _named(wanted: Any, ids: dict[str, int]) -> Iterator[Point]:
    for name, found in ids.items():
        if wanted is None:
            yield Point.unchecked(f"id of {name}", "", "the config names no base.tokens", found)
            continue
        expected, why = getattr(wanted, name), f"use the matching model, or correct base.tokens.{name}"
        yield Point.judged(f"id of {name}", str(expected), found, found == expected, why)


def _known_ids(found: list[int], ids: dict[str, int], known: list[dict[str, Any]]) -> Point:
    """Compare with the tokenizer, among those known, that has the same special tokens and comes nearest."""
    name = "its ids"
    alike = [each for each in known if each["tokens"] == ids]
    if not alike:
        return Point.unchecked(name, "", "no ids are known of a base with these special tokens", f"{len(found)} tokens")
    nearest = max(alike, key=lambda each: _common(found, each["ids"]))
    measured, holds, why = _same(found, nearest["ids"], "tokens")
    return Point.judged(name, f"{len(nearest['ids'])} tokens, as {nearest['of']}", measured, holds, why)


def _common(one: Any, other: Any) -> int:
    """Count the items that two sequences begin with alike."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _same(found: Any, expected: Any, what: str = "characters") -> tuple[str, bool, str]:
    at = _common(found, expected)
    why = f"differs from {what.removesuffix('s')} {at + 1} on: {found[at : at + 8]!r}, not {expected[at : at + 8]!r}"
    return f"{len(found)} {what}", found == expected, why
