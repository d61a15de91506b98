"""A small client of the engine's OpenAI-compatible chat API. How drafts are sampled is fixed here, not by callers."""

from dataclasses import dataclass
from typing import Any

import requests

from plume.errors import InputError, PlumeError
from serve.engine import DECODING


@dataclass(frozen=True)
class Draft:
    """A draft, the model name that wrote it, and its cost in tokens."""

    text: str
    model: str
    prompt_tokens: int
    draft_tokens: int


class Client:
    """Asks one engine for drafts."""

    def __init__(self, url: str, timeout: float = 600.0) -> None:
        self.url, self.timeout = url, timeout
        self.session = requests.Session()
        self.session.trust_env = False  # a proxy of the environment is not for loopback

    def draft(self, model: str, messages: list[dict[str, str]], *, max_new_tokens: int, stop_token_id: int) -> Draft:
        """One draft by `model` for chat `messages`.

        Raises InputError if the conversation and the draft do not fit in the model's length, PlumeError if the engine
        refuses or does not answer. No message quotes the conversation.
        """
        answer = self.chat(
            {
                **DECODING,
                "model": model,
                "messages": messages,
                "max_tokens": max_new_tokens,
                "stop_token_ids": [stop_token_id],
            }
        )
        usage = answer["usage"]
        text = answer["choices"][0]["message"]["content"] or ""
        return Draft(text.strip(), answer["model"], usage["prompt_tokens"], usage["completion_tokens"])

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        """POST /v1/chat/completions; the answer as a dict."""
        try:
            response = self.session.post(f"{self.url}/v1/chat/completions", json=body, timeout=self.timeout)
        except requests.RequestException as error:
            raise PlumeError(f"{self.url}: the engine does not answer ({type(error).__name__})") from None
        if response.status_code == 400 and "context length" in response.text:
            raise InputError(
                f"the review and a draft of {body['max_tokens']} tokens are too long for {body['model']}; "
                "raise max_model_len or lower max_new_tokens"
            )
        if not response.ok:
            raise PlumeError(f"{self.url}: the engine refused the request for {body['model']} ({response.status_code})")
        return response.json()
