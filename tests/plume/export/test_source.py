"""Bytes of an export: encodings, archives, what is none."""

import gzip
import json

import pytest

from plume.errors import InputError
from plume.export.reader import read_rows
from plume.export.source import CHUNK, Progress
from tests.plume.export.test_shapes import HEADER, ROWS, SHAPES, as_csv


def test_windows_1252_is_read_and_counted(write):
    for shape in ("CSV", "array, indented"):
        progress = Progress()
        content = SHAPES[shape](ROWS).replace("«", "“")
        rows = list(read_rows(write(content.encode("cp1252")), progress=progress))
        assert rows[0]["description"] == ROWS[0]["description"]
        assert progress.not_utf8 == sum(ord(c) > 127 for c in content)


def test_one_stray_byte_spoils_no_other_letter(write):
    progress = Progress()
    content = as_csv(ROWS).encode().replace(b"Mairie", b"Mair\xeee", 1)
    rows = list(read_rows(write(content), progress=progress))
    assert rows[0]["intitule_structure_1"] == "Mairîe"
    assert rows[0]["description"] == ROWS[0]["description"]
    assert progress.not_utf8 == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (json.dumps(ROWS).encode("utf-16"), "not UTF-8"),
        (b"PK\x03\x04rest", "ZIP archive or an Excel workbook"),
        (gzip.compress(json.dumps(ROWS).encode())[:-20], "truncated or damaged gzip"),
        (b"\x1f\x8b not a gzip", "gzip"),
        (gzip.compress(b""), "empty"),
        (b"  \n" * CHUNK, "empty"),
        (as_csv(ROWS)[:-20].encode(), "truncated"),
        (HEADER.encode(), "holds no experience"),
        (b"a;b;c\n1;2;3\n", "no record has the field id_experience, description, ecrit_le"),
        (b"ID exp\xe9rience;Titre;Description\n1;2;3\n", "no record has the field ecrit_le"),
        (b"word " * 10, "not an export"),
        (b"x" * (1 << 24), "not an export"),
        (b"[" * 100_000, "not an export"),
        (json.dumps({"total_count": 90_000, "results": ROWS}).encode(), "a page of the API, 5 of 90000 records"),
        (json.dumps({"results": ROWS, "nhits": 6}).encode(), "a page of the API, 5 of 6 records"),
        (gzip.compress(as_csv(ROWS).encode("utf-16")), "iconv -f UTF-16 -t UTF-8"),
        (gzip.compress(as_csv(ROWS).encode("utf-16-le")), "iconv -f UTF-16 -t UTF-8"),
        (b"[" + b"7," * 10 + b"7]", "none of its 11 records is an object"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_export_is_refused_in_one_line(write, content, told):
    path = write(content)
    with pytest.raises(InputError) as caught:
        list(read_rows(path))
    assert told in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
