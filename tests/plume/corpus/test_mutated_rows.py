"""Mutated exports: whatever is in the file, nothing crashes and no row is lost. Seeds are fixed.

Records of the sample are changed field by field and written in every shape: as many experiences are counted as were
written. Then bytes of files are changed: the whole file is refused in one line, or its rows are all accounted for.
"""

import csv
import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from plume.contacts import Directory
from plume.corpus.build import DataConfig, build
from plume.corpus.dataset import read_split
from plume.corpus.pairs import Selection, UnmaskedPair, outcomes
from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.export.reader import Unreadable, read_experiences
from plume.export.values import parse_date
from plume.files import read_jsonl

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


def check(folder: Path, counts: dict, written: int) -> None:
    quarantine = read_jsonl(folder / "quarantine.jsonl", needs=("id", "reason", "detail"))
    pairs = [pair for split in SPLITS for pair in read_split(folder, split)]
    assert counts["experiences"] == written
    assert counts["rows"] == len(pairs) + len(quarantine) == counts["pairs"] + counts["quarantined"] >= written
    assert counts["quarantine"].get("not_masked", 0) == 0
    ids = [row["id"] for row in (*pairs, *quarantine) if row.get("reason") != "duplicate_experience"]
    assert len(ids) == len(set(ids))
    for pair in pairs:
        assert parse_date(pair["written_on"])
        assert pair["sentiment"] in (None, "Positif", "Neutre", "Négatif")
        assert pair["author_vote"] in (None, "utile", "pas utile")
        assert len(pair["structure"] or "") <= 150


def mutate_and_build(
    tmp_path: Path, sample: Path, size: int, shapes: list[str], seed: int, workers: int, cut: int | None = None
) -> int:
    """Rows accounted for. `cut`: characters to which texts are cut first, for speed."""
    rows = json.loads(sample.read_text(encoding="utf-8"))
    rows = [{name: v[:cut] if isinstance(v, str) else v for name, v in row.items()} for row in rows]
    total = 0
    for n, shape in enumerate(shapes):
        typed, write = SHAPES[shape]
        draw = random.Random(f"{seed} {shape}")
        content = write([mutated(draw, rows, i, typed=typed) for i in range(size)]).encode(errors="replace")
        export = tmp_path / f"export-{n}"
        export.write_bytes(gzip.compress(content, 1) if n % 2 else content)
        manifest = build(export, tmp_path / f"out-{n}", DataConfig(ner=False), workers=workers)
        check(tmp_path / f"out-{n}", manifest["counts"], size)
        total += manifest["counts"]["rows"]
    return total


def mutate_bytes(tmp_path: Path, sample: Path, files: int, seed: int) -> tuple[int, int]:
    """(rows accounted for, files refused) of exports with some bytes changed, dropped, doubled or cut off."""
    rows = json.loads(sample.read_text(encoding="utf-8"))
    directory, draw = Directory.load(), random.Random(seed)
    accounted = refused = 0
    for n in range(files):
        few = draw.sample(rows, draw.randrange(1, 25))
        content = bytearray(SHAPES[draw.choice(list(SHAPES))][1](few).encode())
        for _ in range(draw.choice([1, 1, 2, 5, 30])):
            at, length = draw.randrange(len(content) + 1), draw.choice([1, 1, 1, 10, 300])
            match draw.randrange(6):
                case 0:
                    content[at : at + length] = b""
                case 1:
                    content[at:at] = bytes(draw.randrange(256) for _ in range(length))
                case 2:
                    content[at:at] = content[max(0, at - length) : at]
                case 3:
                    content[at : at + 1] = draw.choice([b'"', b";", b"\n", b"{", b"}", b"[", b"]", b",", b"\\", b":"])
                case 4 if draw.random() < 0.1:
                    del content[at:]
                case _:
                    content[at : at + 1] = bytes([draw.randrange(256)])
        if n % 5 == 0:
            content = bytearray(gzip.compress(bytes(content), 1))
            if n % 2 == 0:
                content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path = tmp_path / "bytes"
        path.write_bytes(content)
        error = None
        try:
            for number, row in enumerate(read_experiences(path), 1):
                if isinstance(row, Unreadable):
                    accounted += 1
                    continue
                found = list(outcomes(row, number, Selection(), directory, lambda _: False))
                assert len(found) == max(1, len(row.answers)) or found[0].reason in ("no_id", "bad_id")
                assert all(isinstance(o, UnmaskedPair) or (o.reason and o.detail) for o in found)
                accounted += len(found)
        except InputError as told:
            error = str(told)
        if error is not None:
            assert error.startswith(f"{path}")
            assert "\n" not in error
            assert len(error) < len(str(path)) + 250
            refused += 1
    return accounted, refused


def test_a_thousand_mutated_rows(tmp_path, sample_export):
    assert mutate_and_build(tmp_path, sample_export, 170, list(SHAPES), seed=1, workers=1) >= 1000


def test_exports_with_damaged_bytes(tmp_path, sample_export):
    accounted, refused = mutate_bytes(tmp_path, sample_export, 150, seed=2)
    assert accounted > 700
    assert 5 < refused < 100


@pytest.mark.long
def test_a_hundred_thousand_mutated_rows(tmp_path, sample_export):
    assert mutate_and_build(tmp_path, sample_export, 17_000, list(SHAPES), seed=3, workers=2, cut=250) >= 100_000
    accounted, _ = mutate_bytes(tmp_path, sample_export, 3_000, seed=4)
    assert accounted > 25_000
