"""What an exported model says of itself: `exported.json`, written by `plume train export`, read by `plume serve`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import TypeAdapter, ValidationError

from plume.errors import InputError
from plume.files import write
from plume.models import Base
from plume.output import EXPORT

Target = Literal["merged", "gguf", "hub"]
TAG = "merged."  # how the tag of a version begins that holds the digest of its merged weights' folder


@dataclass(frozen=True)
class Parity:
    """Holds how far an export is from base + adapter: log-probabilities of `tokens` tokens of fixed replies."""

    largest: float
    mean: float
    tolerance: float
    tokens: int


@dataclass(frozen=True)
class Exported:
    """Describes an exported model.

    Attributes:
        to: as what it was exported.
        version: of plume-reply; None for an adapter that is in no registry.
        adapter_sha256, base: what it was made of.
        dtype: precision of the base's weights, and of merged ones.
        parity: how far from base + adapter it was when it was read back.
        golden: token ids of each golden prompt, and what PEFT gave as its likeliest first tokens.
    """

    to: Target
    version: int | None
    adapter_sha256: str
    base: Base
    dtype: str
    parity: Parity
    golden: tuple[tuple[list[int], dict[int, float]], ...]

    def write(self, folder: Path) -> None:
        told = asdict(self) | {"base": self.base.model_dump(mode="json")}
        write(folder / EXPORT.marker, json.dumps(told, ensure_ascii=False, indent=1) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what a folder says of itself. Raises InputError if it is no export."""
        path = folder / EXPORT.marker
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except FileNotFoundError:
            raise InputError(
                f"{folder}: no export of plume's (no {EXPORT.marker}); make one with: plume train export"
            ) from None
        except (OSError, ValidationError) as error:
            raise InputError(f"{path}: damaged ({type(error).__name__}); export the version again") from None


def tag_of(digest: str) -> str:
    """Name the tag of a version that holds `digest`: a version may be exported on several machines."""
    return f"{TAG}{digest[:16]}"
