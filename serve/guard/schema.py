"""Types what clients send and get. Unknown fields are refused by name: nobody sets the model or its sampling.

No field takes control characters, and only texts take line ends: a name with one could forge a line of the prompt.
"""

import re
import unicodedata
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from plume.prompt import TONES

_LENGTH = 20_000
_NO_TEXT = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029"
_NO_LINE = r"\x00-\x1f\x7f-\x9f\u2028\u2029"


def _some(refused: str) -> str:
    """Make a pattern: not blank, and none of the refused characters."""
    return rf"^[^{refused}]*[^\s{refused}][^{refused}]*$"


def _one_line(text: str) -> str:
    return re.sub(r"\s*[\r\n]\s*", " ", text).strip()


# Accents are composed, as on reading an export: what is masked, rendered, kept and compared is one spelling.
_COMPOSED = AfterValidator(lambda text: unicodedata.normalize("NFC", text))
# Otherwise as it is: the model reads what `plume data anonymise` returns for it, blanks included.
WholeText = Annotated[str, StringConstraints(max_length=_LENGTH, pattern=_some(_NO_TEXT)), _COMPOSED]
Title = Annotated[
    str, StringConstraints(max_length=1_000, pattern=_some(_NO_TEXT)), AfterValidator(_one_line), _COMPOSED
]
Body = Annotated[str, StringConstraints(max_length=150, pattern=_some(_NO_LINE)), AfterValidator(str.strip), _COMPOSED]
Name = Annotated[str, StringConstraints(max_length=300, pattern=_some(_NO_LINE)), AfterValidator(str.strip), _COMPOSED]
Instruction = Annotated[
    str, StringConstraints(max_length=300, pattern=_some(_NO_TEXT)), AfterValidator(_one_line), _COMPOSED
]
PassageId = Annotated[str, StringConstraints(max_length=1_000, pattern=_some(_NO_LINE))]

NOTICE = (
    "Brouillon écrit par une intelligence artificielle, à relire et à corriger par un agent avant toute publication."
)


class _Request(BaseModel):
    # Strict: "0" is no number, 1 no truth value, as the schema says.
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)


class Known(_Request):
    """Types what is known of a review."""

    network: Body | None = Field(None, description="network of services, such as « CAF »")
    structure: Body | None = Field(None, description="the service that was reviewed")
    title: Title | None = Field(None, description="line ends in it become blanks")
    pseudonym: Name | None = Field(None, description="the citizen's, as published; stands in the draft's greeting")


class GivenReview(Known):
    """Types a citizen's review, as published, and what is known of it."""

    review: WholeText


class Wishes(_Request):
    """Types what an agent wishes of a draft. All but `alternatives` want a version of a prompt that shows sources."""

    instruction: Instruction | None = Field(
        None,
        description="the agent's own, such as « plus court »; pseudonymised; what it states counts as given. Refused "
        "(400) if it asks for what no draft may do. Line ends in it become blanks",
    )
    tone: Literal[*TONES] = Field(
        "neutre", description="chaleureux: a sentence of understanding; sobre: facts, and what to do"
    )
    keep_sources: list[PassageId] = Field(
        [], max_length=3, description="ids of passages that the model is shown first, however little alike"
    )
    drop_sources: list[PassageId] = Field([], max_length=20, description="ids of passages that it is not shown")
    alternatives: int = Field(1, ge=1, le=3, description="drafts side by side; the first is written greedily")

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if {*self.keep_sources} & {*self.drop_sources}:
            raise ValueError("keep_sources and drop_sources name one passage; leave it out of one of them")
        return self


class DraftRequest(GivenReview, Wishes):
    """POST /v1/drafts"""

    conversation: Name | None = Field(None, description="drafts of one conversation are written by one version")


class AgainRequest(Wishes):
    """POST /v1/drafts/{id}/again: what changes. What is not sent stays as it was, but for `alternatives`."""

    pseudonym: Name | None = Field(None, description="the citizen's: it was not kept")


class Decision(_Request):
    """POST /v1/drafts/{id}/decision: what the agent made of a draft."""

    outcome: Literal["accepted", "edited", "rejected"]
    final: WholeText | None = Field(None, description="the reply as published; wanted if the draft was edited")
    seconds: Annotated[float, Field(ge=0, le=86_400)] | None = Field(None, description="active time of the agent")
    pseudonym: Name | None = Field(None, description="the citizen's: masked in `final`")


class Part(_Request):
    type: Literal["text"]
    text: WholeText


def _short_enough(parts: list[Part]) -> list[Part]:
    if sum(len(part.text) for part in parts) > _LENGTH:
        raise ValueError(f"String should have at most {_LENGTH} characters, all parts together")
    return parts


class Message(_Request):
    role: Literal["user"]
    content: WholeText | Annotated[list[Part], Field(min_length=1), AfterValidator(_short_enough)]

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content)


class StreamOptions(_Request):
    include_usage: bool | None = None


class ResponseFormat(_Request):
    type: Literal["text"]


def _truth_value(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    raise ValueError("Input should be a valid boolean")


_False = Annotated[Literal[False], BeforeValidator(_truth_value)]  # 0 equals False
_Zero, _One = Annotated[float, Field(ge=0, le=0)], Annotated[float, Field(ge=1, le=1)]


class Metadata(Known, Wishes):
    """Types the `metadata` of a chat: all that a draft may be asked with, but the review."""


class ChatRequest(_Request):
    """POST /v1/chat/completions: one message, the review. Of OpenAI's other fields, what equals the server's choice."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=1)]
    model: Annotated[str, StringConstraints(pattern=r"^plume-reply(@v[0-9]{1,9})?$")] | None = Field(
        None, description="`plume-reply`, or a version that answers, as answers name it"
    )
    metadata: Metadata | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    user: Name | None = Field(None, description="a conversation: its drafts are written by one version")
    n: _One | None = None
    temperature: _Zero | None = Field(None, description="drafts are written greedily")
    top_p: _One | None = None
    presence_penalty: _Zero | None = None
    frequency_penalty: _Zero | None = None
    store: _False | None = None
    logprobs: _False | None = None
    seed: None = None
    top_logprobs: None = None
    stop: Annotated[list[str], Field(max_length=0)] | None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None
    parallel_tool_calls: bool | None = Field(None, description="either: there are no tools")
    tools: Annotated[list[Any], Field(max_length=0)] | None = None
    tool_choice: Literal["none"] | None = None
    max_tokens: int | None = Field(None, description="the server's own limit, or none")
    max_completion_tokens: int | None = Field(None, description="the same")
    response_format: ResponseFormat | None = None


_PlatformId = Annotated[str, StringConstraints(max_length=300, pattern=rf"^[^{_NO_LINE}]*$")]


def _named(identity: str) -> str:
    if not identity:
        raise ValueError("is empty")
    return identity


class PlatformReview(_Request):
    """POST /anonymize"""

    id: _PlatformId | None = None
    text: WholeText


class PlatformId(_Request):
    """POST /prod/run/ditp-get-data"""

    id: Annotated[_PlatformId, AfterValidator(_named)]


class DraftFinding(BaseModel):
    """What a check found in the draft as written, and by which named rules.

    `start` and `end` index `draft` where a placeholder stands for what was withheld.
    """

    check: str
    gating: bool
    detail: str
    rules: list[str]
    start: int | None = None
    end: int | None = None


class Source(BaseModel):
    """Types a verified contact that the draft names."""

    kind: str
    value: str
    label: str
    source: str
    checked_on: str | None


class ShownPassage(BaseModel):
    """Types a passage of an official source that the model was shown, verbatim.

    `start` and `end` index `draft` where its source is named: at the first citation.
    """

    number: int = Field(description="as `cited_draft` cites it: [1]")
    id: str
    kind: str = Field(description="sheet, document or reply")
    title: str
    where: list[str] = Field(description="headings and cases that lead to it, from the outside in")
    text: str
    url: str | None
    updated_on: str | None
    licence: str | None
    audience: str | None
    cited: bool
    kept: bool = Field(description="whether the agent asked for it (`keep_sources`)")
    start: int | None = None
    end: int | None = None


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class WrittenDraft(BaseModel):
    """Types a draft for an agent to read, and how it was made."""

    id: str
    draft: str = Field(description="for the citizen: where a passage is cited, its source is named in words")
    cited_draft: str = Field(description="the same with the citations as the model wrote them: [1]")
    findings: list[DraftFinding]
    sources: list[Source] = Field(description="verified contacts that the draft names")
    passages: list[ShownPassage] = Field([], description="official sources that the model was shown")
    again_of: str | None = Field(None, description="id of the draft that this one was written anew from")
    pseudonym: str | None = Field(
        None,
        description="what the draft greets: as it was sent, else as the review is signed. It is kept nowhere: send it "
        "with `again` and with a decision",
    )
    examples: list[str] = Field(description="ids of the past replies that the model was shown")
    model: str
    version: int
    prompt: str
    masked: dict[str, int] = Field(description="how many entities of each type the model was not shown")
    finish_reason: str
    usage: Usage
    ai: Literal[True] = True
    notice: str = NOTICE


class DraftResponse(WrittenDraft):
    """Types the answer: a draft, and the others that were asked for beside it, each with an id of its own."""

    alternatives: list[WrittenDraft] = []


class DecisionResponse(BaseModel):
    id: str
    outcome: str


class Problem(BaseModel):
    """Types every refusal: what, where, how to mend it; never a text that was sent."""

    error: dict[str, Any]
