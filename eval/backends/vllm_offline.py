"""Write drafts by vLLM in this process, without a server: continuous batching for whole test splits."""

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from eval.backends import Job, Work
from eval.drafts import Draft, of_tokens
from plume.errors import EnvironmentMissing, PlumeError
from plume.paths import INSTALL, home
from plume.vllm_options import UNSAFE, max_lora_rank, variables


class VllmOffline:
    """Runs `vllm.LLM` with the system's adapter, on the GPU or with the CPU build."""

    reads_ids = True

    def __init__(self, *, gpu_memory_utilization: float = 0.9, cpu_kv_cache_gib: int = 2) -> None:
        if find_spec("vllm") is None:
            raise EnvironmentMissing(f"vLLM is not installed; mend it with: {INSTALL}")
        self.gpu_memory_utilization, self.cpu_kv_cache_gib = gpu_memory_utilization, cpu_kv_cache_gib

    def decoding(self, dtype: str) -> dict[str, Any]:
        return {"backend": "vllm", "dtype": dtype}

    def serves(self) -> None:
        return None

    def start(self, work: Work) -> None:
        """Raises PlumeError with vLLM's reason if the engine does not start."""
        import torch

        from plume.models import resolve

        self.work, gpu = work, torch.cuda.is_available()
        self._set_environment(gpu)
        from vllm import LLM
        from vllm.lora.request import LoRARequest

        adapter = work.system.adapter
        lora = {"enable_lora": True, "max_loras": 1, "max_lora_rank": max_lora_rank(adapter.rank)} if adapter else {}
        memory = {"gpu_memory_utilization": self.gpu_memory_utilization} if gpu else {}
        folder = resolve(work.system.base)
        try:
            self.engine = LLM(
                folder,
                dtype=work.dtype,
                max_model_len=work.context,
                enforce_eager=not gpu,  # compiling takes minutes on a CPU
                generation_config="vllm",  # not the base's own sampling
                seed=0,
                **memory,
                **lora,
            ).llm_engine
        except (ValueError, RuntimeError) as error:
            reason = str(error).strip().splitlines() or [type(error).__name__]
            raise PlumeError(f"vLLM does not start with {work.system.name}: {reason[-1]}") from error
        self.adapter = LoRARequest("adapter", 1, str(adapter.folder)) if adapter else None

    def drafts(self, jobs: Sequence[Job]) -> Iterator[list[tuple[Job, Draft]]]:
        from vllm import SamplingParams

        greedy = SamplingParams(
            temperature=0.0,
            repetition_penalty=self.work.repetition_penalty,
            max_tokens=self.work.max_new_tokens,
            stop_token_ids=[self.work.end],
            ignore_eos=True,  # only the end of the turn stops, as in transformers
            detokenize=False,
        )
        waiting = {job.id: job for job in jobs}
        for job in sorted(jobs, key=lambda job: (-len(job.ids), job.id)):
            self.engine.add_request(job.id, {"prompt_token_ids": job.ids}, greedy, lora_request=self.adapter)
        while self.engine.has_unfinished_requests():
            done = [out for out in self.engine.step() if out.finished]
            if done:
                yield [(waiting.pop(out.request_id), self._row(out)) for out in done]

    def close(self) -> None:
        self.engine = None

    def _row(self, out: Any) -> Draft:
        if out.outputs[0].finish_reason not in ("stop", "length"):
            return {"error": f"vLLM ended the draft: {out.outputs[0].finish_reason}"}
        return of_tokens(self.work.tokenizer, self.work.end, len(out.prompt_token_ids), list(out.outputs[0].token_ids))

    def _set_environment(self, gpu: bool) -> None:
        """Set what vLLM reads when it is imported: nothing may have imported it before."""
        for name in UNSAFE:
            os.environ.pop(name, None)
        cache = home() / "serve" / "cache"  # what vLLM learnt about an architecture, shared with `plume serve`
        cores = sorted(os.sched_getaffinity(0))
        os.environ |= variables(cache=cache, gpu=gpu, cores=cores, cpu_kv_cache_gib=self.cpu_kv_cache_gib)
        os.environ["VLLM_LOGGING_LEVEL"] = "WARNING"
        os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # one process: killed, it leaves nothing behind
