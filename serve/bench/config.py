"""Types the keys of `plume serve bench`: the server's, and what is asked of it."""

from pydantic import Field, field_validator

from serve.config import ServeConfig


class BenchConfig(ServeConfig):
    """Says with how many drafts in flight a server is measured, and what it promises (the service level)."""

    command = "serve bench"

    in_flight: list[int] = Field([1, 8, 32], min_length=1, description="drafts that are asked for at once, in turn")
    drafts: int = Field(100, ge=1, description="drafts at each, with the guard and without; at least two a client")
    first_token_p99: float = Field(
        2.0, gt=0, description="promised: seconds to the engine's first token, at p99; with the guard nobody sees it"
    )
    token_p99: float = Field(0.1, gt=0, description="promised: seconds a token after the first one, at p99")
    draft_p99: float = Field(10.0, gt=0, description="promised: seconds to a whole draft, at p99, masking included")
    bandwidth: float | None = Field(None, gt=0, description="GB/s of the memory that weights lie in; else measured")
    flops: float | None = Field(None, gt=0, description="TFLOP/s of a product of matrices; else measured")

    @field_validator("in_flight")
    @classmethod
    def _each_once(cls, value: list[int]) -> list[int]:
        if min(value) < 1 or len(set(value)) < len(value):
            raise ValueError("different numbers of at least 1 are wanted, such as [1,8,32]")
        return value

    def server(self) -> ServeConfig:
        """Give the server's own keys."""
        return ServeConfig(**{name: getattr(self, name) for name in ServeConfig.model_fields})
