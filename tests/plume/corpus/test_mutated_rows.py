"""Mutated exports: whatever is in the file, nothing crashes and no row is lost. Seeds are fixed.

Records of the sample are changed field by field and written in every shape: as many experiences are counted as were
written. Then bytes of files are changed: the whole file is refused in one line, or its rows are all accounted for.
"""

import gzip
import json
import random
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
from tests.plume.corpus.mutated import SHAPES, mutated


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
