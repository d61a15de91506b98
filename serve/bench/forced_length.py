"""Makes every draft of a measured engine as long as its prompt's reply was, whatever the model would write.

An inner middleware, between the guard and vLLM: only an engine that a benchmark starts has it
(`vllm_process.running(…, inside=WORDS)`), no request can ask for it, and the guard that is measured is the one that
serves.
"""

import json
import os
from collections import Counter
from hashlib import sha256
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from serve.guard.in_flight import replay

VARIABLE = "PLUME_BENCH_LENGTHS"  # a JSON file: {digest of a prompt: tokens}, under "" those of any other prompt
WORDS = ("--middleware", "serve.bench.forced_length.ForcedLength")


def digest(ids: list[int]) -> str:
    """Give a prompt's key in the file."""
    return sha256(json.dumps(ids).encode()).hexdigest()


class ForcedLength:
    """Sets `max_tokens` and `ignore_eos` of each request for a completion, and reads each prompt as if for once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tokens = json.loads(Path(os.environ[VARIABLE]).read_text("utf-8"))
        self._asked: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/v1/completions":
            return await self._app(scope, receive, send)
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        asked = json.loads(body)
        if asked.get("max_tokens") != 1:  # a look whether the engine writes stays as it is
            key = digest(asked["prompt"])
            asked["max_tokens"] = self._tokens.get(key, self._tokens[""])
            asked["ignore_eos"] = True
            asked.pop("stop_token_ids", None)  # these would end a draft all the same
            # What was asked before is read anew, as a review is in service; what all prompts begin with is cached.
            self._asked[key] += 1
            asked["cache_salt"] = f"time {self._asked[key]}"
        told = json.dumps(asked).encode()
        headers = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        scope = {**scope, "headers": [*headers, (b"content-length", str(len(told)).encode())]}
        return await self._app(scope, replay(told, receive), send)
