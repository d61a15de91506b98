"""Exports whose records are changed field by field, in every shape: for the fuzzing and for the stress."""

import csv
import io
import json
import random
from collections.abc import Callable

ODD = [
    *("", " ", "\n", "0", "-1", "null", "NaN", "é" * 3000, "a " * 5000, "x" * 30_000, "123456789" * 9, "\x00\x01\x1f"),
    *("\u2028\u2029\x85\x0b", "\ufeff", "\ud83d", "\U0001f600" * 9, "e\u0301" * 40, "ﷺ", "ａｂｃ １２３", "\u202eabc"),
    *(
        '"',
        '""";',
        ";;;;",
        "1;2024-01-01;",
        '"\n2;2024-01-01;"',
        "{}",
        "[]",
        "\\",
        "%s{0}",
        "[USAGER] [TEL_1] [",
        "&#0;",
    ),
    *(
        "&#0;",
        "&#99999999;",
        "&amp;" * 50,
        "Ã©" * 20,
        "<b>",
        "Cordialement",
        "Bonjour,",
        "31/02/2024",
        "2024-13-45",
        "9" * 40,
    ),
    *(
        "0000-00-00",
        "2024-01-01T99:99",
        "-0001-01-01",
        "Réponse dépubliée",
        "+33 6 12 34 56 78 " * 30,
        "M. " * 200,
        "@",
    ),
]
TYPES = [None, 0, -1, 1.5, True, 10**30, [], ["a"], {}, {"a": {"b": 1}}, [[[]]], 1e308]


def text_mutated(draw: random.Random, text: str) -> str:
    at, to = sorted(draw.randrange(len(text) + 1) for _ in range(2))
    odd = draw.choice(ODD)
    return draw.choice(
        [
            text[:at] + odd + text[at:],
            text[:at] + text[to:],
            text[:at] + text[at:to][::-1] + text[to:],
            text.upper(),
            text.lower(),
            text.replace(" ", draw.choice(["\u00a0", "", "  ", "\n", "\t"])),
            text.replace("\n", draw.choice(["\r\n", "\r", ""])),
            text * draw.randrange(2, 4),
            text.encode(errors="replace").decode("latin-1"),
            "".join(chr(draw.randrange(1, 0x3000)) for _ in range(40)),
            odd,
        ]
    )


def mutated(draw: random.Random, rows: list[dict], number: int, *, typed: bool) -> dict:
    """One record: a random one of the sample with up to six fields changed. `typed`: values may be other than text."""
    row = dict(draw.choice(rows)) | {"id_experience": str(10**6 + number)}
    names = list(row)
    weighty = ["description", "titre", "reponse_structure_1", "ecrit_le", "pseudonyme_usager", "id_experience"]
    for _ in range(draw.randrange(7)):
        name = draw.choice(weighty if draw.random() < 0.5 else names)
        match draw.randrange(10):
            case 0 if typed:
                row.pop(name, None)
            case 1 if typed:
                row[name] = draw.choice(TYPES)
            case 2:
                row[name] = draw.choice(ODD)
            case 3:
                other = draw.choice(names)
                row[name], row[other] = row.get(other), row.get(name)
            case 4 if typed:
                row[draw.choice(["Nom", "ID expérience", "", "réponse_structure_1", "x" * 300])] = row.get(name)
            case _:
                row[name] = text_mutated(draw, str(row.get(name) or "vide"))
    return row


def as_csv(rows: list[dict], quoting: int = csv.QUOTE_MINIMAL) -> str:
    names = sorted({name for row in rows for name in row}, key=lambda n: (n != "id_experience", n != "ecrit_le", n))
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", quoting=quoting, lineterminator="\r\n")
    writer.writerow(names)
    # A row that begins with an empty or odd id is no row of the platform's: what is odd goes to the other columns.
    writer.writerows(
        [[number, *(str(row.get(name) or "") for name in names[1:])] for number, row in enumerate(rows, 10**6)]
    )
    return file.getvalue().replace("\x00", "")


SHAPES: dict[str, tuple[bool, Callable[[list[dict]], str]]] = {
    "array": (True, json.dumps),
    "array, indented": (True, lambda rows: json.dumps(rows, indent=1)),
    "arrays": (True, lambda rows: "".join(json.dumps(rows[i : i + 50]) for i in range(0, len(rows), 50))),
    "lines": (True, lambda rows: "\n".join(map(json.dumps, rows)) + "\n"),
    "CSV": (False, as_csv),
    "CSV, all quoted": (False, lambda rows: "\ufeff" + as_csv(rows, csv.QUOTE_ALL)),
}
