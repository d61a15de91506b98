"""`plume data audit` at the terminal: shows masked pairs one by one and takes a key for each. What it shows is French.

On a terminal a key is enough; otherwise each line of the standard input is a key, so that an audit can be scripted.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from plume.corpus.audit import TEXTS, Audit, Bound, read_pairs
from plume.page.numbers import percent
from plume.pseudonymise import PLACEHOLDER
from plume.pseudonymise.catalogue import CATALOGUE, PLACEHOLDERS

_TITLES = dict(zip(TEXTS, ("Titre", "Avis", "Réponse"), strict=True))
HELP = "o = rien ne fuit   m = oubli (une donnée est restée)   s = trop masqué   b = revenir   q = arrêter   ? = aide"
_LABELS = {row["type"]: row["label"] for row in CATALOGUE if row["type"] in PLACEHOLDERS} | {"AUTRE": "Autre"}


@dataclass
class Sitting:
    """Holds one sitting: `run` goes from pair to pair until the sample is read, `q`, or the end of the input."""

    audit: Audit
    pairs: list[dict[str, Any]]
    console: Console = field(default_factory=lambda: Console(highlight=False, emoji=False))
    keys: Iterator[str] = field(default_factory=lambda: read_keys())

    def run(self) -> Bound:
        """Say what can be said at the end of the sitting; every answer is on disk by then."""
        sample = self.audit.sample(self.pairs)
        place = next((i for i, pair in enumerate(sample) if pair["id"] not in self.audit.answers), len(sample))
        if place < len(sample):
            self.console.print(HELP, markup=False)
        while place < len(sample):
            self._show(sample[place], place, len(sample))
            key = self._ask("o / m / s / b / q ?", "omsbq")
            if key in (None, "q"):
                break
            if key == "b":
                place = max(place - 1, 0)
                continue
            if key == "m":
                if not (kind := self._ask_type()):
                    continue
                self.audit.answer(sample[place]["id"], "missed", [kind])
            else:
                self.audit.answer(sample[place]["id"], {"o": "ok", "s": "over"}[key])
            self.console.print(say_bound(self.audit.bound(self.pairs)), markup=False, style="dim")
            place = next((i for i in range(place + 1, len(sample)) if sample[i]["id"] not in self.audit.answers), None)
            if place is None:  # what a step back or an erasure left open
                unread = (i for i, pair in enumerate(sample) if pair["id"] not in self.audit.answers)
                place = next(unread, len(sample))
        return self.audit.bound(self.pairs)

    def _show(self, pair: dict[str, Any], place: int, n: int) -> None:
        known = self.audit.answers.get(pair["id"])
        said = f" (déjà : {known['answer']})" if known else ""
        self.console.print(Rule(Text(f"{place + 1} / {n}  {pair['id']}{said}"), align="left"))
        for name in TEXTS:
            text = Text(printable(pair.get(name) or ""))
            text.highlight_regex(PLACEHOLDER, "reverse")
            self.console.print(Text(_TITLES[name], style="bold"), text, Text(), sep="\n")

    def _ask(self, question: str, allowed: str) -> str | None:
        """Ask for one of the allowed keys; None at the end of the input."""
        while True:
            self.console.print(f"{question} ", end="", markup=False)
            key = next(self.keys, None)
            self.console.print(key if key and key.isprintable() else "", markup=False)
            if key is None or (len(key) == 1 and key in allowed):
                return key
            self.console.print(HELP, markup=False)

    def _ask_type(self) -> str | None:
        """Ask for the type of what was missed, by its letter; None to go back. What leaked is not kept."""
        letters = {chr(ord("a") + i): kind for i, kind in enumerate(_LABELS)}
        for letter, kind in letters.items():
            self.console.print(f"  {letter} = {_LABELS[kind]}", markup=False)
        self.console.print("  0 = revenir à la question", markup=False)
        key = self._ask("Quelle donnée est restée ?", "".join(letters) + "0")
        return letters.get(key or "0")


def run(folder: Path, audit: Audit) -> Bound:
    """Review a folder's sample at the terminal."""
    return Sitting(audit, read_pairs(folder)).run()


def say_bound(bound: Bound) -> str:
    """Say what the reader sees after each answer, and at the end."""
    done = f"{bound.read} / {bound.n} relus, {bound.leaks} avec fuite, {bound.over_masked} trop masqué(s)"
    if bound.finished:
        return (
            f"{done}. Part des couples avec une fuite : au plus {percent(bound.upper, 2)} "
            f"(borne haute unilatérale à {percent(bound.confidence, 0)}, Clopper-Pearson)"
        )
    return (
        f"{done}. Borne haute à {percent(bound.confidence, 0)} : {percent(bound.upper, 2)} tant que "
        f"{bound.n - bound.read} couples restent à lire (comptés comme des fuites) ; "
        f"{percent(bound.if_clean, 2)} si plus rien n'est trouvé"
    )


def printable(text: str) -> str:
    """Blank control characters, which could drive the reader's terminal: a citizen may have typed any."""
    return "".join(c if c == "\n" or unicodedata.category(c) not in ("Cc", "Cf") else " " for c in text)


def read_keys() -> Iterator[str]:
    """Yield keys as they are pressed, in lower case; lines of the standard input where that is no terminal."""
    if not sys.stdin.isatty():
        for line in sys.stdin:
            yield re.sub(r"\s+", "", line).lower()[:1] or "\n"
        return
    from click import getchar

    while True:
        try:
            yield getchar().lower()
        except EOFError:
            return
