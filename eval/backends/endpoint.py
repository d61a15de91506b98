"""Ask any OpenAI-compatible endpoint: bounded concurrency, retries that back off, a limit on a draft's time.

Token ids of the prompt are sent to /v1/completions, so that the model reads what it was trained on; a server that takes
only messages (`api="chat"`) renders them by its own template. No error quotes a request, an answer or the key.
"""

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, Literal
from urllib.parse import urlsplit

from eval.backends import TOO_LONG, Job, Work
from eval.drafts import Draft, draft_of, of_tokens
from plume.errors import InputError

KEY = "PLUME_API_KEY"
RETRIES = 5  # of one draft, on 408, 409, 429, 5xx, timeouts and connection errors: 0.5 s, 1 s … 8 s apart
GIVE_UP = 25  # drafts that failed in a row, after which the others are not asked for
# What servers say of a prompt that is too long: vLLM and OpenAI, llama.cpp, others.
_TOO_LONG = ("context length", "context_length", "context size", "context_size", "context window", "too long")


class Endpoint:
    """Asks a model behind `url` (…/v1), called `model` there.

    Attributes:
        api: "completions" (token ids) or "chat" (messages).
        key_env: name of the environment variable that holds the key, if the server wants one.
        concurrency: requests at once.
        timeout: seconds that one request may take.
        limit: seconds that one draft may take, its retries included.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api: Literal["completions", "chat"] = "completions",
        key_env: str = KEY,
        concurrency: int = 8,
        timeout: float = 120,
        limit: float = 600,
    ) -> None:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
            if not url.isprintable() or " " in url:
                raise ValueError
        except ValueError:  # no such port, an unclosed bracket, a line end
            parts, host = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not host or parts.username is not None or parts.query:
            raise InputError(
                f"--endpoint {parts.scheme or '?'}://{host or '?'}: an address such as "
                "http://127.0.0.1:8300/v1 is wanted; a key goes into an environment variable (--key-env)"
            )
        self.url = url.rstrip("/") if parts.path.strip("/") else f"{url.rstrip('/')}/v1"
        self.model, self.api, self.key_env = model, api, key_env
        self.concurrency, self.timeout, self.limit = concurrency, timeout, limit
        self.reads_ids = api == "completions"
        self.client = self.runner = None

    def decoding(self, dtype: str) -> dict[str, Any]:  # noqa: ARG002 - the server's own, which it does not tell
        return {"backend": "endpoint", "api": self.api, "dtype": None}

    def serves(self) -> dict[str, Any]:
        return {"url": self.url, "model": self.model}

    def start(self, work: Work) -> None:
        """Raises InputError if nothing answers, if the key is refused, or if the server has no such model."""
        import openai

        logging.getLogger("openai").setLevel(logging.WARNING)  # OPENAI_LOG=debug would write reviews
        host = urlsplit(self.url).hostname
        local = host == "localhost"
        with suppress(ValueError):
            local = local or ip_address(host).is_loopback
        self.work = work
        self.runner = asyncio.Runner()
        self.client = openai.AsyncOpenAI(
            base_url=self.url,
            api_key=os.environ.get(self.key_env) or "none",
            organization="",
            project="",
            max_retries=RETRIES,
            timeout=self.timeout,
            http_client=openai.DefaultAsyncHttpxClient(trust_env=not local),  # no proxy to this machine
        )
        self.runner.run(self._check())

    def drafts(self, jobs: Sequence[Job]) -> Iterator[list[tuple[Job, Draft]]]:
        answers = self._all(jobs)

        async def step() -> list[tuple[Job, Draft]] | None:
            return await anext(answers, None)

        while (done := self.runner.run(step())) is not None:
            yield done

    def close(self) -> None:
        if self.client:
            self.runner.run(self.client.close())
        if self.runner:
            self.runner.close()

    async def _check(self) -> None:
        import openai

        try:
            listed = await self.client.with_options(max_retries=1, timeout=15).get("/models", cast_to=str)
        except openai.APIConnectionError:
            raise InputError(f"{self.url}: does not answer; start the server, or correct --endpoint") from None
        except openai.APIStatusError as error:
            if error.status_code in (401, 403):
                raise InputError(
                    f"{self.url}: refuses the key ({error.status_code}); put it into the environment variable "
                    f"{self.key_env}, or name another one with --key-env"
                ) from None
            return  # a server without that list
        with suppress(ValueError, KeyError, TypeError, RecursionError):
            known = [entry["id"] for entry in json.loads(listed)["data"]]
            if known and self.model not in known:
                names = ", ".join(repr(name)[:80] for name in known[:5])
                raise InputError(f"{self.url}: has no model {self.model!r}, but: {names}; name one with --model")

    async def _all(self, jobs: Sequence[Job]) -> AsyncIterator[list[tuple[Job, Draft]]]:
        waiting, running, failed = iter(jobs), set(), 0
        while True:
            while len(running) < self.concurrency and failed < GIVE_UP and (job := next(waiting, None)):
                running.add(asyncio.create_task(self._answer(job)))
            if not running:
                break
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            rows = [task.result() for task in done]
            for _, answer in rows:
                failed = failed + 1 if answer.get("error", TOO_LONG) != TOO_LONG else 0
            yield rows
        if left := list(waiting):
            error = {"error": f"not asked for: {GIVE_UP} drafts in a row had failed"}
            yield [(job, error) for job in left]

    async def _answer(self, job: Job) -> tuple[Job, Draft]:
        """Write the draft, or say what went wrong; the job may come out with fewer examples or passages than it had."""
        import openai

        try:
            async with asyncio.timeout(self.limit):
                while True:
                    try:
                        return job, self._read(job, await self._ask(job))
                    except openai.APIStatusError as error:
                        shorter = job.shorter(self.work.tokenizer) if _is_too_long(error) else None
                        if not shorter:
                            raise
                        job = shorter
        except TimeoutError:
            error = f"no draft within {self.limit:g} s"
        except openai.APITimeoutError:
            error = f"no answer within {self.timeout:g} s"
        except openai.APIConnectionError:
            error = "no connection"
        except openai.APIStatusError as status:
            error = TOO_LONG if _is_too_long(status) else f"HTTP {status.status_code}"
            if self.api == "completions" and status.status_code in (400, 404, 405, 422) and error != TOO_LONG:
                error += " (a server that takes no token ids wants --api chat)"
        except _AnswerError as bad:
            error = str(bad)
        except Exception as bad:  # whatever a server makes of an answer: one draft is lost, not the command
            error = f"not an answer of this API ({type(bad).__name__})"
        return job, {"error": error}

    async def _ask(self, job: Job) -> Any:
        body = {
            "model": self.model,
            "max_tokens": self.work.max_new_tokens,
            "temperature": 0,
            "stop": [self.work.chat.end],
        }
        if self.work.repetition_penalty != 1:  # known to vLLM and SGLang; others may refuse it
            body["repetition_penalty"] = self.work.repetition_penalty
        if self.api == "chat":  # nothing that the standard does not know: strict servers refuse it
            path, body = "/chat/completions", body | {"messages": job.messages}
        else:  # vLLM and SGLang stop at the id, and vLLM tells the ids; others stop at the model's own end
            path = "/completions"
            body |= {"prompt": job.ids, "stop_token_ids": [self.work.end], "return_token_ids": True}
        return json.loads(await self.client.post(path, body=body, cast_to=str))

    def _read(self, job: Job, answer: Any) -> Draft:
        choice, usage = answer["choices"][0], answer.get("usage") or {}
        text = choice["message"]["content"] if self.api == "chat" else choice["text"]
        if choice["finish_reason"] not in ("stop", "length") or not isinstance(text, str):
            raise _AnswerError(f"the server ended the draft: {str(choice['finish_reason'])[:20]}")
        read, sent = usage.get("prompt_tokens"), job.ids and len(job.ids)
        if self.reads_ids and read not in (None, sent):
            raise _AnswerError(f"the server read {read} tokens where {sent} were sent")
        if self.reads_ids and choice.get("token_ids") is not None:
            if not all(_count(token) is not None for token in choice["token_ids"]):
                raise _AnswerError("the server told token ids that are none")
            return of_tokens(self.work.tokenizer, self.work.end, sent, choice["token_ids"])
        counts = sent if self.reads_ids else _count(read), _count(usage.get("completion_tokens"))
        return draft_of(text.partition(self.work.chat.end)[0], *counts, stopped=choice["finish_reason"] == "stop")


class _AnswerError(Exception):
    """An answer that cannot be used, in words that quote nothing of it."""


def _count(value: Any) -> int | None:
    """Read a number of tokens, or an id, as a server tells it; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def _is_too_long(error: Any) -> bool:
    said = str(error.body or "").lower()
    return error.status_code in (400, 413, 422) and any(words in said for words in _TOO_LONG)
