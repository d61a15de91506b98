"""The net under a rebuild: what this code gives, frozen. A step that changes nothing leaves every line as it is.

    python tests/references/test_references.py

writes the references anew. A commit that changes one says which lines, and why that is better.
"""

import json
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plume.checks import check
from plume.contacts import Directory
from plume.corpus.build import DataConfig, build
from plume.corpus.dataset import read_jsonl
from plume.paths import ROOT
from plume.pseudonymise import Pseudonymiser, sentences

HERE = Path(__file__).parent
GOLD, SAMPLE = ROOT / "datasets" / "gold", ROOT / "datasets" / "sample" / "export.json"


def _line(**values: object) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def _drafts() -> list[dict]:
    return [row for path in sorted(GOLD.glob("drafts*.jsonl")) for row in read_jsonl(path)]


def _written_otherwise(text: str, number: int) -> str:
    """A text in another hand: capitals, lower case, decomposed accents, odd blanks, lines joined."""
    ways: list[Callable[[str], str]] = [
        str.upper,
        str.lower,
        lambda text: unicodedata.normalize("NFD", text),
        lambda text: text.replace(" ", "\u00a0"),
        lambda text: text.replace(". ", ".").replace("\n", " "),
    ]
    return ways[number % len(ways)](text)


def spans() -> Iterator[str]:
    """What the rules mask, without the recogniser: (start, end, type) by text."""
    texts = [row["text"] for row in read_jsonl(GOLD / "pseudonymisation.jsonl")]
    texts += [text for row in _drafts() for text in (row["review"], row["draft"])]
    texts += [text for text, _ in sentences.sentences(300, seed=7)]
    texts += [_written_otherwise(text, number) for number, text in enumerate(texts[:600])]
    found = Pseudonymiser(None, Directory.load()).find_many(texts)
    for number, (text, its) in enumerate(zip(texts, found, strict=True)):
        yield _line(n=number, begins=text[:24], spans=[[span.start, span.end, span.type] for span in its])


def findings() -> Iterator[str]:
    """What the checks say of every gold draft: names and details of those that fail."""
    directory = Directory.load()
    for number, row in enumerate(_drafts()):
        said = check(row["draft"], review=row["review"], prompt=row["prompt"], directory=directory)
        yield _line(n=number, id=row["id"], failed={one.check: one.detail for one in said if not one.passed})


def dataset() -> Iterator[str]:
    """Pairs and quarantine of the sample export, and what was counted."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = build(SAMPLE, Path(folder) / "data", DataConfig(ner=False), workers=1)
        for part in ("train", "validation", "test", "quarantine"):
            for row in read_jsonl(Path(folder) / "data" / f"{part}.jsonl"):
                yield _line(part=part, **row)
        yield _line(counts=manifest["counts"])


def time() -> Iterator[str]:
    """What `plume eval time` says of the sample export: rows, claims and counts."""
    from eval.time.run import run

    with tempfile.TemporaryDirectory() as folder:
        result = run(SAMPLE, Path(folder) / "time", draws=200)
    rounded = json.loads(json.dumps(result), parse_float=lambda text: round(float(text), 6))
    yield from (_line(**row) for row in (*rounded["estimates"], *rounded["differences"], *rounded["claims"]))
    yield _line(counts=rounded["counts"], not_understood=rounded["not_understood"])


REFERENCES = {"spans": spans, "findings": findings, "dataset": dataset, "time": time}


@pytest.mark.parametrize("name", REFERENCES)
def test_what_the_code_gives_is_what_was_frozen(name, plume_home):
    frozen = (HERE / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    now = list(REFERENCES[name]())
    changed = [(then, line) for then, line in zip(frozen, now, strict=False) if then != line]
    assert not changed[:5], f"{len(changed)} lines of {name}.jsonl changed"
    assert len(now) == len(frozen)


if __name__ == "__main__":
    for name, made in REFERENCES.items():
        (HERE / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in made()), encoding="utf-8")
