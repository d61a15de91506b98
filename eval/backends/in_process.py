"""Write drafts by transformers in this process: batches of like length, padded on the left."""

from collections.abc import Iterator, Sequence
from typing import Any

from eval.backends import Job, Work
from eval.drafts import Draft, of_tokens


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
        import torch

        tokenizer, device = self.work.tokenizer, self.model.device
        longest = max(len(job.ids) for job in jobs)
        pads = [longest - len(job.ids) for job in jobs]
        padded = [[tokenizer.pad_token_id] * pad + job.ids for pad, job in zip(pads, jobs, strict=True)]
        mask = (torch.arange(longest, device=device) >= torch.tensor(pads, device=device)[:, None]).long()
        with torch.inference_mode():
            output = self.model.generate(
                input_ids=torch.tensor(padded, device=device),
                attention_mask=mask,
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                max_new_tokens=self.work.max_new_tokens,
                eos_token_id=self.work.end,
                pad_token_id=tokenizer.pad_token_id,
            )
        written = output[:, longest:].tolist()
        return [
            (job, of_tokens(tokenizer, self.work.end, len(job.ids), tokens))
            for job, tokens in zip(jobs, written, strict=True)
        ]
