"""What clients send and get. Unknown fields are refused by name: nobody sets the model, its sampling, its adapters."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# As it is: the model reads what `plume data anonymise` returns for it, blanks included.
Text = Annotated[str, StringConstraints(max_length=20_000, pattern=r"\S")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]

NOTICE = (
    "Brouillon écrit par une intelligence artificielle, à relire et à corriger par un agent avant toute publication."
)


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Case(_Request):
    """A citizen's review, as published, and what is known of it."""

    review: Text
    network: Name | None = Field(None, description="network of services, such as « CAF »")
    structure: Name | None = Field(None, description="the service that was reviewed")
    title: Text | None = None
    pseudonym: Name | None = Field(None, description="the citizen's, as published; stands in the draft's greeting")


class DraftRequest(Case):
    """POST /v1/drafts"""

    conversation: Name | None = Field(None, description="drafts of one conversation are written by one version")


class Decision(_Request):
    """POST /v1/drafts/{id}/decision: what the agent made of a draft."""

    outcome: Literal["accepted", "edited", "rejected"]
    final: Text | None = Field(None, description="the reply as published; wanted if the draft was edited")
    seconds: Annotated[float, Field(ge=0, le=86_400)] | None = Field(None, description="active time of the agent")
    pseudonym: Name | None = Field(None, description="the citizen's: masked in `final`")


class Message(_Request):
    role: Literal["user"]
    content: Text


class ChatRequest(_Request):
    """POST /v1/chat/completions: one message, the review; the rest of OpenAI's fields is decided here."""

    messages: Annotated[list[Message], Field(min_length=1, max_length=1)]
    model: Name | None = Field(None, description="`plume-reply`; who answers is decided here")
    metadata: dict[Literal["network", "structure", "title", "pseudonym"], Name] | None = None
    stream: bool = False
    user: Name | None = Field(None, description="a conversation: its drafts are written by one version")


class Finding(BaseModel):
    """What a check says of the draft as written; `start` and `end` index `draft` where something was cut out."""

    check: str
    gating: bool
    detail: str
    start: int | None = None
    end: int | None = None


class Source(BaseModel):
    """A verified contact that the draft names."""

    kind: str
    value: str
    label: str
    source: str
    checked_on: str | None


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class DraftResponse(BaseModel):
    """A draft for an agent to read, and what there is to know of it."""

    id: str
    draft: str
    findings: list[Finding]
    sources: list[Source]
    examples: list[str] = Field(description="ids of the past replies that the model was shown")
    model: str
    version: int
    prompt: str
    masked: dict[str, int] = Field(description="how many entities of each type the model was not shown")
    finish_reason: str
    usage: Usage
    ai: Literal[True] = True
    notice: str = NOTICE


class DecisionResponse(BaseModel):
    id: str
    outcome: str


class Problem(BaseModel):
    """Every refusal: what, where, how to mend it; never a text that was sent."""

    error: dict[str, Any]
