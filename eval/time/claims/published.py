"""Read the pilot's published figures from YAML, each with its source, population and window."""

import datetime as dt
import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from eval.time.claims.quantities import CLAIMABLE, OF_STUDY
from plume.config import Config, NonEmpty
from plume.french.text import fold, plain


class Publication(Config):
    """Who published the figure. `date` is as precise as is known: YYYY, YYYY-MM or YYYY-MM-DD."""

    publisher: NonEmpty = Field(description="who published the figure")
    date: Annotated[str, BeforeValidator(str)] = Field(
        pattern=r"^\d{4}(-\d\d(-\d\d)?)?$", description="YYYY, YYYY-MM or YYYY-MM-DD, as precise as is known"
    )
    title: NonEmpty | None = Field(description="null: it was not noted")
    url: NonEmpty | None = Field(None, description="where it is read")


class Population(Config):
    """Whom the figure is about. `networks`: beginnings of words of network names; none is the whole file."""

    description: NonEmpty = Field(description="whom the figure is about, in words")
    networks: tuple[NonEmpty, ...] = Field((), description="beginnings of words of network names; none: the whole file")

    def holds(self, network: str | None) -> bool:
        """Say whether a network of the export belongs to it; accents and case do not count."""
        if not self.networks:
            return True
        words = fold(plain(network or ""))
        return any(re.search(rf"\b{re.escape(fold(plain(name)))}", words) for name in self.networks)


class Period(Config):
    """When the "after" was measured; both days included, or neither where it was not published."""

    description: NonEmpty = Field(description='when the "after" was measured, in words')
    first: dt.date | None = Field(None, description="first day; null where it was not published")
    last: dt.date | None = Field(None, description="last day")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if (self.first is None) != (self.last is None):
            raise ValueError("give both first and last, or neither")
        if self.first and self.last and self.last < self.first:
            raise ValueError(f"last ({self.last}) is before first ({self.first})")
        return self


class Values(Config):
    """The figure: levels in days, minutes or shares (0 to 1), `ratio` = before / after, `difference` = after - before.

    Of the time that writing takes, `before` is without a draft and `after` with one.
    """

    before: float | None = Field(None, description="days, minutes, or a share from 0 to 1")
    after: float | None = Field(None, description="days, minutes, or a share from 0 to 1")
    ratio: float | None = Field(None, gt=0, description="before / after")
    difference: float | None = Field(None, description="after - before")

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if all(value is None for value in self.model_dump().values()):
            raise ValueError("give at least one value")
        return self


class Claim(Config):
    """One published figure. `uncheckable` says why no export could ever check it."""

    id: str = Field(pattern=r"^[a-z0-9-]+$", description="what reports call it")
    quantity: Literal[*CLAIMABLE, *OF_STUDY] = Field(description="what the figure is of")
    statement: NonEmpty = Field(description="the claim, in French, as it was published")
    values: Values = Field(description="the figure")
    population: Population = Field(description="whom the figure is about")
    window: Period = Field(description='when the "after" was measured')
    source: Publication = Field(description="who published it, and when")
    status: Literal["announced", "press", "target"] = Field(description="what kind of statement it is")
    uncheckable: NonEmpty | None = Field(None, description="why no export could ever check it")

    @model_validator(mode="after")
    def _fitting(self) -> Self:
        given = self.values.model_dump(exclude_none=True)
        of_study = self.quantity in OF_STUDY
        by = OF_STUDY[self.quantity] if of_study else CLAIMABLE[self.quantity].given_by
        if wrong := sorted(given.keys() - by):
            raise ValueError(f"{self.id}: {self.quantity} has no value {', '.join(wrong)}")
        if not of_study and CLAIMABLE[self.quantity].share and any(abs(value) > 1 for value in given.values()):
            raise ValueError(f"{self.id}: a share is written between 0 and 1 (0.74, not 74)")
        return self


class Pilot(Config):
    """What was started, on which day; `caveats` are limits of any before/after around that day, for the report."""

    name: NonEmpty = Field(description="as reports call it")
    started_on: dt.date = Field(description="first day")
    caveats: tuple[NonEmpty, ...] = Field((), description="limits of any before/after around that day, for the report")


class Widest(Config):
    """How wide an interval may be to be called compatible with a value that it holds: a wide one goes with anything."""

    ratio: float = Field(2, gt=1, description="upper end / lower end")
    days: float = Field(4, gt=0, description="upper end - lower end")
    minutes: float = Field(5, gt=0, description="upper end - lower end, of the time that writing takes")
    share: float = Field(0.2, gt=0, le=1, description="upper end - lower end, of a share or of a difference of shares")


class Baseline(Config):
    """A file of `configs/baselines/`: a pilot and what was claimed about it."""

    command = "eval"

    pilot: Pilot = Field(description="what was started, and when")
    widest: Widest = Field(Widest(), description="how wide an interval may be to be called compatible")
    claims: tuple[Claim, ...] = Field(min_length=1, description="published figures, each with its source")

    @model_validator(mode="after")
    def _unique(self) -> Self:
        ids = [claim.id for claim in self.claims]
        if twice := sorted({name for name in ids if ids.count(name) > 1}):
            raise ValueError(f"claims: id used twice: {', '.join(twice)}")
        return self
