"""Renders a page from its template, which extends `base.html.j2` of this folder. One file, no script, no network."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from plume.page import numbers

_SAID = {name: getattr(numbers, name) for name in ("count", "day", "interval", "number", "percent", "points")}
# What is left alone: style and code, what people type, a draft's or a review's own text, and tags with attributes.
_SPACES = re.compile(
    r'<(style|code|pre|textarea)\b.*?</\1>|<p class="text">.*?</p>|<[^<>]*>|(?<=\S) (?=[;:!?»%])|(?<=«) ', re.DOTALL
)


def render(template: Path, **values: Any) -> str:
    """Give the page's HTML. A value that the template wants and lacks is an error; all text is escaped."""
    return typography(_environment(template.parent).get_template(template.name).render(values))


@cache
def _environment(folder: Path) -> Environment:
    """Keep the templates of a folder: a page that people work in is rendered thousands of times."""
    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= _SAID
    environment.globals |= _SAID  # what a filter takes as argument: `lower | interval(upper, percent)`
    return environment


def typography(page: str) -> str:
    """Put no-break spaces where French wants them, so that no line starts with a punctuation mark."""

    def spaced(found: re.Match[str]) -> str:
        if found[0] != " ":
            return found[0]
        return numbers.NARROW if page.startswith("%", found.end()) else numbers.NO_BREAK

    return _SPACES.sub(spaced, page)
