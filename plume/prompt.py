"""The prompt: what the model reads before it writes, the same token ids in training, evaluation and serving.

A prompt version is a file of `plume/prompts/`; a changed text is a new version. A header (`contacts: 4`, `sources: 3`)
makes it show that many official contacts of the structure, or passages of the pair's own `sources`. A chat format says
how a base model's turns are written: ChatML, that of OpenHermes 2 and of the embedded default model.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from plume.contacts import Directory
from plume.errors import InputError
from plume.files import sha256
from plume.marks import PSEUDONYM
from plume.passages import render, squeezed

# Added to the system text where past replies are shown.
EXAMPLES = (
    "Les échanges qui précèdent le dernier avis sont des réponses passées du même réseau : suis-en le ton et la "
    "démarche. Ils concernent d'autres usagers : n'en reprends aucun fait, date, montant, contact ni repère entre "
    "crochets."
)

# What a tone adds to the prompt of a version that shows sources: the key `tone` of a pair, by an agent's choice.
TONES = {
    "neutre": None,
    "chaleureux": "chaleureux. Ajoute une phrase qui montre que tu as compris ce que l'usager a vécu.",
    "sobre": "sobre. Tiens-toi aux faits et à l'étape à suivre ; pas plus d'un mot de regret ou de remerciement.",
}


@dataclass(frozen=True)
class ChatFormat:
    """How turns are written for a family of base models. Everything that depends on the template asks here.

    Attributes:
        name: as errors call it.
        start, end: special tokens that begin and end a turn; a tokenizer that has both is written to in this format.
        user: how a citizen's turn begins.
        template: Jinja, as servers render it, without {% generation %}, which theirs do not know.
        system_role: False where the template has none: the first citizen's turn then begins with the system text.
    """

    name: str
    start: str
    end: str
    user: str
    template: str
    system_role: bool = True

    @property
    def sha256(self) -> str:
        """Hash the template; kept with every adapter."""
        return sha256(self.template.encode())

    def end_id(self, tokenizer: Any) -> int:
        """Find the id of the token that ends a turn."""
        return tokenizer.convert_tokens_to_ids(self.end)

    def render(self, tokenizer: Any, messages: Sequence[dict[str, str]], *, header: bool) -> str:
        """Write messages as text; `header` begins the assistant's turn."""
        if not self.system_role and messages[0]["role"] == "system":
            system, first, *rest = messages
            messages = [first | {"content": f"{system['content']}\n\n{first['content']}"}, *rest]
        return tokenizer.apply_chat_template(
            messages, chat_template=self.template, tokenize=False, add_generation_prompt=header
        )


# Tokenizers of the Llama family want one beginning-of-sequence token, written here because text rendered by a template
# is tokenised without special tokens; SmolLM2 declares <|im_start|> itself as that token and wants none.
CHATML = ChatFormat(
    "ChatML",
    start="<|im_start|>",
    end="<|im_end|>",
    user="<|im_start|>user\n",
    template="{% if bos_token and bos_token != '<|im_start|>' %}{{ bos_token }}{% endif %}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' %}"
    "{{ message['content'] + '<|im_end|>' }}{{ '\n' }}"
    "{% else %}{{ message['content'] + '<|im_end|>\n' }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
)
FORMATS = (CHATML,)  # another base with another template: one more here


def find_format(vocabulary: Container[str]) -> ChatFormat | None:
    """Find the format whose tokens a vocabulary has."""
    return next((chat for chat in FORMATS if chat.start in vocabulary and chat.end in vocabulary), None)


def format_of(tokenizer: Any | None) -> ChatFormat:
    """Give the format that `plume.models.load_tokenizer` found; ChatML for a model that only its server knows."""
    template = getattr(tokenizer, "chat_template", None)
    return next((chat for chat in FORMATS if chat.template == template), CHATML)


@dataclass(frozen=True)
class Prompt:
    """A prompt version: its name, the system text, how many official contacts and passages of sources it shows."""

    version: str
    system: str
    contacts: int = 0
    sources: int = 0

    @property
    def sha256(self) -> str:
        """Hash of the version: it must not change between training and serving."""
        text = f"{self.contacts}\0{self.system}" if self.contacts else self.system
        if self.sources:
            text = f"{self.sources}\0{text}"
        return sha256(text.encode())

    @property
    def shown_sha256(self) -> str:
        """Hash of all that a prompt shows beside the pair: the version and its directory, which may be updated."""
        shown = f"{self.sha256} {_directory().sha256}" if self.contacts else self.sha256
        return sha256(shown.encode())

    def messages(self, pair: dict[str, Any], examples: Sequence[dict[str, Any]] = ()) -> list[dict[str, str]]:
        """Chat messages up to the reply, for any mapping with `review` and optionally network, structure, title.

        `examples` are past pairs with their replies, the most similar first. They are shown as earlier turns, written
        like the last one, the most similar nearest to it, but without passages of sources, which would take the room of
        the pair's own; without any, the messages are what they always were.
        """
        system = f"{self.system}\n\n{EXAMPLES}" if examples else self.system
        turns = [{"role": "system", "content": system}]
        for past in reversed(examples):
            turns.append({"role": "user", "content": self._asked({**past, "sources": None})})
            turns.append({"role": "assistant", "content": inert(past["reply"])})
        return [*turns, {"role": "user", "content": self._asked(pair)}]

    def text(self, pair: dict[str, Any]) -> str:
        """What may be said of this case, as one text: the checks compare a draft's facts with it.

        The prompt without examples: what a past reply told somebody else (a date, a phone, `[AGENT_1]`) is not given.
        """
        return "\n".join(m["content"] for m in self.messages(pair))

    def passages(self, pair: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Give the passages of a pair's `sources` that this version shows, in their order; some versions show none."""
        return list(pair.get("sources") or ())[: self.sources]

    def without_last_passage(self, pair: dict[str, Any]) -> dict[str, Any]:
        """Give a pair with one passage less than this version would show; the first ones fit best, and stay longest."""
        return pair | {"sources": self.passages(pair)[:-1]}

    def _asked(self, pair: dict[str, Any]) -> str:
        service = pair.get("structure") or pair.get("network") or "service public"
        network = pair.get("network")
        if network and network.casefold() not in service.casefold():
            service = f"{service} ({network})"
        lines = [f"Service : {inert(service)}", f"Usager : {PSEUDONYM}"]
        if pair.get("title"):
            # A line end in it could begin a source of its own.
            lines.append(f"Titre : {inert(squeezed(pair['title']) if self.sources else pair['title'])}")
        if self.contacts:
            verified = _directory().of(network, pair.get("structure"))
            shown = [f"{c.value} ({c.label})" for c in verified if c.network][: self.contacts]
            lines.append(f"Contacts officiels : {inert(' ; '.join(shown) or 'aucun')}")
        if self.sources:
            lines.append(inert(render(self.passages(pair))))
            lines += _wishes(pair)
        lines.append(f"Avis : {inert(pair['review'])}")
        return "\n".join(lines)


def _wishes(pair: dict[str, Any]) -> list[str]:
    """Write a line for each thing that an agent wishes of the draft: none, and the prompt is as it always was."""
    tone, instruction = TONES.get(pair.get("tone") or "neutre"), squeezed(pair.get("instruction") or "")
    return [
        *([f"Ton : {tone}"] if tone else []),
        *([f"Consigne de l'agent : {inert(instruction)}"] if instruction else []),
    ]


def inert(text: str) -> str:
    """Text in which no tokenizer finds a special token: it cannot close a turn, nor begin a sequence (`<s>`)."""
    return re.sub(r"<(?=[|/\w])", "< ", text)


@cache
def versions() -> tuple[str, ...]:
    return tuple(
        sorted(f.name.removesuffix(".txt") for f in files("plume.prompts").iterdir() if f.name.endswith(".txt"))
    )


def most_passages() -> int:
    """Give how many passages the version that shows most of them shows."""
    return max(load_prompt(version).sources for version in versions())


@cache
def load_prompt(version: str) -> Prompt:
    """A prompt version by name. Raises InputError that names the known ones."""
    if version not in versions():
        raise InputError(f"prompt {version!r}: unknown version; known ones: {', '.join(versions())}")
    text = files("plume.prompts").joinpath(f"{version}.txt").read_text(encoding="utf-8").strip()
    if not text.startswith("---\n"):
        return Prompt(version, text)
    _, header, system = text.split("---\n", 2)
    return Prompt(version, system.strip(), **yaml.safe_load(header))


@cache
def _directory() -> Directory:
    return Directory.load()


def encode_prompt(
    tokenizer: Any, prompt: Prompt, pair: dict[str, Any], examples: Sequence[dict[str, Any]] = ()
) -> list[int]:
    """Token ids up to and including the header of the assistant's turn."""
    return _ids(tokenizer, format_of(tokenizer).render(tokenizer, prompt.messages(pair, examples), header=True))


class Fitted(NamedTuple):
    """A prompt that fits, and what it shows: checks are given this `pair`, whose `sources` are those shown."""

    ids: list[int]
    examples: Sequence[dict[str, Any]]
    pair: dict[str, Any]


def encode_within(
    tokenizer: Any, prompt: Prompt, pair: dict[str, Any], examples: Sequence[dict[str, Any]], room: int
) -> Fitted:
    """Token ids of the prompt with as many examples, then as many passages, as fit in `room` tokens, and those.

    The last examples, the least similar, are left out first, then the last passages. The prompt without either is
    returned even if it does not fit.
    """
    while len(ids := encode_prompt(tokenizer, prompt, pair, examples)) > room:
        if examples:
            examples = examples[:-1]
        elif prompt.passages(pair):
            pair = prompt.without_last_passage(pair)
        else:
            break
    return Fitted(ids, examples, pair)


def encode_sample(tokenizer: Any, prompt: Prompt, pair: dict[str, Any]) -> tuple[list[int], list[int]]:
    """Token ids of the prompt, and of the reply with its end-of-turn token: what training learns from.

    Both are tokenised together, as the model will see them. Raises ValueError if a token spans the border, because
    serving would then start from other ids than training did.
    """
    start, chat = encode_prompt(tokenizer, prompt, pair), format_of(tokenizer)
    messages = [*prompt.messages(pair), {"role": "assistant", "content": inert(pair["reply"])}]
    whole = _ids(tokenizer, chat.render(tokenizer, messages, header=False).rstrip("\n"))
    if whole[: len(start)] != start or whole[-1] != chat.end_id(tokenizer):
        raise ValueError("the reply does not start on a token border")
    return start, whole[len(start) :]


def _ids(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a rendered text. The system turn, the same for every review, is tokenised once.

    A special token ends it, so what follows is tokenised alike with and without it; where that did not hold for the
    first text of a tokenizer, nothing is cut.
    """
    head, mark, rest = text.partition(format_of(tokenizer).user)
    if not mark:
        return _whole(tokenizer, text)
    if (start := _head(tokenizer, head, mark + rest)) is None:
        return _whole(tokenizer, text)
    return [*start, *_whole(tokenizer, mark + rest)]


_heads: dict[tuple[int, str], tuple[Any, tuple[int, ...] | None]] = {}  # the tokenizer is kept, so its id stays its own


def _head(tokenizer: Any, head: str, rest: str) -> tuple[int, ...] | None:
    key = (id(tokenizer), head)
    if key not in _heads:
        start = _whole(tokenizer, head)
        exact = [*start, *_whole(tokenizer, rest)] == _whole(tokenizer, head + rest)
        _heads[key] = (tokenizer, tuple(start) if exact else None)
    return _heads[key][1]


def _whole(tokenizer: Any, text: str) -> list[int]:
    plain = getattr(tokenizer, "backend_tokenizer", None)
    if plain is not None and plain.truncation is None and plain.padding is None:  # the same ids, without offsets
        return plain.encode_batch_fast([text], add_special_tokens=False)[0].ids
    return tokenizer(text, add_special_tokens=False)["input_ids"]
