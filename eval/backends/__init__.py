"""Turn prompts into drafts: by transformers or vLLM in this process, or by an OpenAI-compatible endpoint.

All three decode greedily, stop at the end of the turn, and describe a draft alike.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from eval.drafts import Draft
from plume.prompt import ChatFormat, Prompt, encode_prompt, format_of

TOO_LONG = "the review and a draft do not fit in the model's context"


@dataclass(frozen=True)
class Job:
    """Describes one draft to be written.

    Attributes:
        id: of the pair.
        key: hash of all that the draft depends on.
        prompt: version of the prompt.
        pair: what is answered, with the passages of sources that the prompt shows.
        examples: past pairs that the prompt shows, the most similar first.
        ids: token ids of the prompt; None where no tokenizer of the model is at hand.
    """

    id: str
    key: str
    prompt: Prompt
    pair: dict[str, Any]
    examples: tuple[dict[str, Any], ...] = ()
    ids: list[int] | None = None
    dropped: int = 0  # passages that did not fit

    @property
    def messages(self) -> list[dict[str, str]]:
        return self.prompt.messages(self.pair, self.examples)

    @property
    def passages(self) -> list[dict[str, Any]]:
        """List the passages of sources that the prompt shows."""
        return self.prompt.passages(self.pair)

    def shorter(self, tokenizer: Any | None) -> "Job | None":
        """Drop the last example, then the last passage; None where nothing is left to drop."""
        if not self.examples and not self.passages:
            return None
        examples, pair, dropped = self.examples[:-1], self.pair, self.dropped
        if not self.examples:
            pair, dropped = self.prompt.without_last_passage(pair), dropped + 1
        ids = encode_prompt(tokenizer, self.prompt, pair, examples) if tokenizer else None
        return replace(self, pair=pair, examples=examples, ids=ids, dropped=dropped)


@dataclass(frozen=True)
class Work:
    """Holds what a backend must know before it writes.

    Attributes:
        system: `eval.systems.Resolved`.
        tokenizer: the base's; None for a model that only its endpoint knows.
        dtype: "float32" or "bfloat16".
        max_new_tokens: tokens of a draft, at most, its end of turn among them.
        context: tokens of prompt and draft together, at most; None if unknown.
        repetition_penalty: above 1, what prompt or draft hold already is less likely.
    """

    system: Any
    tokenizer: Any | None
    dtype: str
    max_new_tokens: int
    context: int | None
    repetition_penalty: float = 1.0

    @property
    def chat(self) -> ChatFormat:
        return format_of(self.tokenizer)

    @property
    def end(self) -> int:
        """Find the id of the token that ends a turn."""
        return self.chat.end_id(self.tokenizer)


class Backend(Protocol):
    """Writes drafts. `start` is slow and comes before `drafts`; `close` comes last, however that ended."""

    reads_ids: bool  # whether the model reads the very token ids of training

    def decoding(self, dtype: str) -> dict[str, Any]:
        """Describe what changes drafts: part of the decoding that two arms of a comparison must share."""

    def serves(self) -> dict[str, Any] | None:
        """Describe what it asks for drafts, if that is not of plume's making: part of the system's description."""

    def start(self, work: Work) -> None: ...

    def drafts(self, jobs: Sequence[Job]) -> Iterator[list[tuple[Job, Draft]]]:
        """Yield rows as they are finished: `draft` with its counts, or `error`; each with its job, as it was asked."""

    def close(self) -> None: ...
