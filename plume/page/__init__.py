"""The French pages that people read and sign: one skin, one way to write numbers, one way to render."""

from plume.page.render import render
from plume.page.tables import Figure, Table

__all__ = ["Figure", "Table", "render"]
