"""Read the constants of the modelled minutes from TOML: distributions, each with its source."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from plume.config import Config, NonEmpty
from plume.errors import InputError
from plume.paths import in_clone

DEFAULT = Path("configs/eval/time.toml")
_Z95 = 1.6448536269514722  # quantile of a standard normal


class Constant(Config):
    """One positive quantity, uncertain. Every one is a monotone function of a standard normal z (`at`)."""

    label: NonEmpty
    unit: NonEmpty
    distribution: Literal["lognormal", "uniform"]
    p05: float | None = Field(None, gt=0)
    p95: float | None = Field(None, gt=0)
    low: float | None = Field(None, ge=0)
    high: float | None = Field(None, ge=0)
    status: Literal["published", "memory", "assumption"]
    source: NonEmpty

    @model_validator(mode="after")
    def _given(self) -> Self:
        ends = (self.p05, self.p95) if self.distribution == "lognormal" else (self.low, self.high)
        names = "p05 and p95" if self.distribution == "lognormal" else "low and high"
        others = (self.low, self.high) if self.distribution == "lognormal" else (self.p05, self.p95)
        if None in ends or any(value is not None for value in others):
            raise ValueError(f"a {self.distribution} is given by {names} alone")
        if ends[0] > ends[1]:  # type: ignore[operator]
            raise ValueError(f"{names} are the wrong way round")
        return self

    def at(self, z: np.ndarray | float) -> np.ndarray:
        """Give its value where a standard normal has the value z: 0 is the median, -1.28 and 1.28 are P10 and P90."""
        if self.distribution == "uniform":
            from scipy.special import ndtr  # not for a file that is only looked at

            return self.low + (self.high - self.low) * ndtr(z)
        low, high = np.log(self.p05), np.log(self.p95)
        return np.exp((low + high) / 2 + (high - low) / (2 * _Z95) * np.asarray(z))


class Constants(Config):
    """All that the model of `minutes` needs."""

    reading_wpm: Constant
    keystroke_seconds: Constant
    mental_seconds: Constant
    pointing_seconds: Constant
    composition_wpm: Constant
    composed_share: Constant
    proof_share: Constant
    verify_seconds: Constant
    words_per_edit: Constant
    review_words: Constant
    characters_per_word: Constant

    def values(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """Give every constant at standard normal values z, (..., constants), in the order of NAMES."""
        return {name: getattr(self, name).at(z[..., i]) for i, name in enumerate(NAMES)}


NAMES = tuple(Constants.model_fields)


def load(path: str | Path = DEFAULT) -> Constants:
    """Read a TOML file of constants. Raises InputError, a line for each fault."""
    return _load(str(in_clone(path)))


@cache
def _load(path: str) -> Constants:
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        return Constants.model_validate(values)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file of constants") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: not valid TOML ({error})") from None
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise InputError("\n  ".join([f"{path}: {len(faults)} faults", *faults])) from None
