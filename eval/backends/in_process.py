"""Write drafts by transformers in this process: batches of like length, padded on the left."""

from collections.abc import Iterator, Sequence
from typing import Any

from eval.backends import Job, Work
from eval.drafts import Draft, of_tokens
from plume.models import write_greedily


class InProcess:
    """Writes the reference: the same code that training evaluates with."""

    reads_ids = True

    def __init__(self, batch_size: int = 16) -> None:
        self.batch_size = batch_size

    def decoding(self, dtype: str) -> dict[str, Any]:
        return {"backend": "transformers", "dtype": dtype}

    def serves(self) -> None:
        return None

    def start(self, work: Work) -> None:
        self.work, self.model = work, work.system.load(work.dtype)

    def drafts(self, jobs: Sequence[Job]) -> Iterator[list[tuple[Job, Draft]]]:
        order = sorted(jobs, key=lambda job: (-len(job.ids), job.id))
        for at in range(0, len(order), self.batch_size):
            yield self._batch(order[at : at + self.batch_size])

    def close(self) -> None:
        self.model = None

    def _batch(self, jobs: list[Job]) -> list[tuple[Job, Draft]]:
        tokenizer, end = self.work.tokenizer, self.work.end
        written = write_greedily(
            self.model,
            [job.ids for job in jobs],
            end=end,
            pad=tokenizer.pad_token_id,
            max_new_tokens=self.work.max_new_tokens,
            repetition_penalty=self.work.repetition_penalty,
        )
        return [(job, of_tokens(tokenizer, end, len(job.ids), ids)) for job, ids in zip(jobs, written, strict=True)]
