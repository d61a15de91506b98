"""Recall on names by case and origin: generated sentences whose names and turns of phrase nothing was learnt from.


A name counts as found when each of its letters is masked. Rows are origins of the name, columns cases.
"""

import argparse
import random
from collections import Counter, defaultdict

from plume.command import say
from plume.pseudonymise import Pseudonymiser
from plume.pseudonymise.recogniser import sentences
from plume.pseudonymise.recogniser.ner import load_ner

TEMPLATES = (
    "au bout du fil {P} m'a promis un rappel qui n'est jamais venu",
    "Je tiens à saluer {F}, dont le calme m'a rassurée.",
    "Mon épouse {F} a déposé la demande en février.",
    "Reçu par {F} au bureau des étrangers, rien à signaler.",
    "Monsieur {N} ne connaît pas la procédure.",
    "Le courrier était adressé à {F} et non à moi.",
    "{F} mérite une prime, vraiment.",
    "Pourquoi {F} ne me rappelle-t-elle pas ?",
    "Bien cordialement, {F}",
)
CASES = {
    "titre": str,
    "minuscules": lambda text: "".join(c.lower() if len(c.lower()) == 1 else c for c in text),
    "capitales": sentences.same_length_upper,
}


def cells(per_cell: int) -> dict[tuple[str, str], list[sentences.Labelled]]:
    """(origin, case) -> labelled sentences."""
    draw = random.Random(7)  # noqa: S311
    firsts, lasts = sentences.names(1)
    common = sentences.names(1, least_first=5000, least_last=3000)
    lists = {"française fréquente": common, "INSEE, toutes": (firsts, lasts)}
    lists |= sentences.names_by_origin(1)
    found = {}
    for origin, (first, last) in lists.items():
        fill = {
            "P": lambda first=first: draw.choice(first),
            "N": lambda last=last: draw.choice(last),
            "F": lambda first=first, last=last: f"{draw.choice(first)} {draw.choice(last)}",
        }
        rows: dict[str, sentences.Labelled] = {}
        while len(rows) < per_cell:  # a first name alone may come twice, but not in one turn of phrase
            labelled = sentences.fill_in(draw.choice(TEMPLATES), fill)
            rows[labelled[0]] = labelled
        for case, cased in CASES.items():
            found[origin, case] = [(cased(text), spans) for text, spans in rows.values()]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--per-cell", type=int, default=360)
    parser.add_argument("--show", type=int, default=0, help="print so many missed names")
    arguments = parser.parse_args()
    pseudonymiser = Pseudonymiser(load_ner())
    hits: dict[tuple[str, str], Counter] = defaultdict(Counter)
    missed = []
    for (origin, case), rows in cells(arguments.per_cell).items():
        for (text, wanted), spans in zip(rows, pseudonymiser.find_many([t for t, _ in rows]), strict=True):
            masked = {i for s in spans for i in range(s.start, s.end)}
            for start, end, _ in wanted:
                found = all(i in masked for i in range(start, end) if text[i].isalnum())
                hits[origin, case][found] += 1
                if not found:
                    missed.append((case, text))
    origins = list(dict.fromkeys(origin for origin, _ in hits))
    say(f"{'origine du nom':32}" + "".join(f"{case:>13}" for case in CASES) + f"{'toutes':>13}")

    def share(pick) -> str:
        total = sum((hits[cell] for cell in hits if pick(cell)), Counter())
        return f"{total[True] / total.total():>8.3f}/{total.total():<4}"

    for origin in origins:
        cases = (share(lambda cell, case=case, origin=origin: cell == (origin, case)) for case in CASES)
        say(f"{origin:32}" + "".join(cases) + share(lambda cell, origin=origin: cell[0] == origin))
    say(f"{'toutes':32}" + "".join(share(lambda c, case=case: c[1] == case) for case in CASES) + share(lambda _: True))
    for case, text in random.Random(1).sample(missed, min(arguments.show, len(missed))):  # noqa: S311
        say(f"  {case}: {text}")


if __name__ == "__main__":
    main()
