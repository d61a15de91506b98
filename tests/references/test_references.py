"""The net under a rebuild: what this code gives, frozen. A step that changes nothing leaves every line as it is.

    python tests/references/test_references.py [NAME …]

writes the references anew. A commit that changes one says which lines, and why that is better. `sentences.jsonl` and
`texts.jsonl` hold what they ask: sentences written by hand for the tests of the checks and of the pseudonymiser.
`generated_sentences.txt` holds what a generator of sentences with names once made.
"""

import hashlib
import html
import importlib.util
import json
import random
import re
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

import plume
from plume.checks import check
from plume.contacts import Directory
from plume.corpus.build import DataConfig, build
from plume.corpus.dataset import read_split
from plume.corpus.split import SPLITS
from plume.errors import InputError
from plume.files import file_sha256, read_jsonl, to_jsonl
from plume.paths import ROOT
from plume.pseudonymise import Pseudonymiser

HERE = Path(__file__).parent
GOLD, SAMPLE = ROOT / "datasets" / "gold", ROOT / "datasets" / "sample" / "export.json"
BLOCKS = r"p|h[1-6]|li|tr|caption|div|section|header|footer|main|d[tdl]|fig\w+|summary|details|pre|title|table|ul"
ALWAYS_THE_SAME = [
    (r"(?<=^Règles de pseudonymisation \| )\S+", "<digest>"),
    (r"\b(?=[0-9]*[a-f])[0-9a-f]{12,64}\b", "<digest>"),
    (rf"\b{re.escape(plume.__version__)}(?!\w)|(?<=version:)[\w.]+", "<version>"),
    (r"(?<=réponse · )\d.*", "<today>"),
]
# The drafts that the references were frozen with: a newer set would move the lines of all.
SETS = [*(f"drafts-{n}" for n in ("eighth", "fifth", "fourth", "second", "seventh", "sixth", "third")), "drafts"]
MADE: list[tempfile.TemporaryDirectory] = []  # folders that last as long as the process


def _line(**values: object) -> str:
    return json.dumps(values, ensure_ascii=False, sort_keys=True)


def _drafts() -> list[dict]:
    return [row for name in SETS for row in read_jsonl(GOLD / f"{name}.jsonl")]


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
    texts += (HERE / "generated_sentences.txt").read_text(encoding="utf-8").splitlines()
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


def sentences_written() -> Iterator[str]:
    """What the checks say of each sentence that their tests hold, beside the review that goes with it."""
    directory = Directory.load()
    for row in read_jsonl(HERE / "sentences.jsonl"):
        asked = {key: row[key] for key in ("review", "prompt", "sentiment") if key in row}
        said = check(row["draft"], **{"review": ""} | asked, directory=directory)
        faults = {one.check: one.detail for one in said if one.gating and not one.passed and one.check != "length"}
        signals = [one.check for one in said if one.passed and not one.gating]
        yield _line(draft=row["draft"], **asked, failed=faults, signals=signals)


def texts_written() -> Iterator[str]:
    """What the rules mask in each text that their tests hold or made: (start, end, type)."""
    yield from _masked([row["text"] for row in read_jsonl(HERE / "texts.jsonl")])


def names() -> Iterator[str]:
    """What the rules mask in generated sentences, whose names are of many origins, in three cases."""
    cells = _module("benchmarks/stress_names.py").cells(9)
    yield from _masked([text for rows in cells.values() for text, _ in rows])


def _masked(texts: list[str]) -> Iterator[str]:
    found = Pseudonymiser(None, Directory.load()).find_many(texts)
    for text, its in zip(texts, found, strict=True):
        yield _line(text=text, spans=[[span.start, span.end, span.type] for span in its])


def _module(path: str):
    """A file of the repository that is in no package."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _folder() -> Path:
    MADE.append(tempfile.TemporaryDirectory())
    return Path(MADE[-1].name)


@cache
def _built() -> tuple[Path, dict]:
    """The sample's dataset folder and its manifest."""
    folder = _folder() / "data"
    return folder, build(SAMPLE, folder, DataConfig(ner=False), workers=1)


@cache
def _timed() -> tuple[Path, dict]:
    """The folder of `plume eval time` on the sample, and what it says."""
    from eval.time.run import run

    folder = _folder() / "time"
    return folder, run(SAMPLE, folder, draws=200)


def dataset() -> Iterator[str]:
    """Pairs and quarantine of the sample export, and what was counted."""
    folder, manifest = _built()
    for part in ("train", "validation", "test", "quarantine"):
        for row in read_jsonl(folder / f"{part}.jsonl"):
            yield _line(part=part, **row)
    yield _line(counts=manifest["counts"])


def mutated() -> Iterator[str]:
    """What `data build` makes of mutated rows in every shape of export: why each was left out; pairs by digest."""
    fuzz = _module("tests/plume/corpus/test_mutated_rows.py")
    rows = json.loads(SAMPLE.read_text(encoding="utf-8"))
    for shape, (typed, write) in fuzz.SHAPES.items():
        draw = random.Random(f"reference {shape}")
        folder = _folder()
        export = folder / "export"
        export.write_bytes(
            write([fuzz.mutated(draw, rows, i, typed=typed) for i in range(45)]).encode(errors="replace")
        )
        counts = build(export, folder / "data", DataConfig(ner=False), workers=1)["counts"]
        for part in SPLITS:
            yield _line(
                shape=shape,
                part=part,
                kept=[f"{row['id']} {_digest(row)}" for row in read_split(folder / "data", part)],
            )
        for row in read_jsonl(folder / "data" / "quarantine.jsonl"):
            yield _line(id=str(row["id"])[:40], reason=row["reason"], detail=row["detail"][:100])
        yield _line(shape=shape, counts=counts)


def damaged() -> Iterator[str]:
    """What `data build` makes of files with damaged bytes: the line that refuses each, or what it counts."""
    fuzz = _module("tests/plume/corpus/test_mutated_rows.py")
    rows, draw, folder = json.loads(SAMPLE.read_text(encoding="utf-8")), random.Random("reference bytes"), _folder()
    for number in range(24):
        shape = draw.choice(list(fuzz.SHAPES))
        content = bytearray(fuzz.SHAPES[shape][1](draw.sample(rows, draw.randrange(3, 9))).encode())
        for _ in range(draw.choice([1, 1, 2, 30])):
            at, length = draw.randrange(len(content)), draw.choice([1, 1, 10, 300])
            odd = [
                b"",
                draw.randbytes(length),
                bytes(content[max(0, at - length) : at]),
                draw.choice(b'";{}[],:').to_bytes(),
            ]
            content[at : at + draw.choice([0, length])] = draw.choice(odd)
        export = folder / f"export-{number}"
        export.write_bytes(content)
        try:
            outcome = {"counts": build(export, folder / f"out-{number}", DataConfig(ner=False), workers=1)["counts"]}
        except InputError as error:
            outcome = {"refused": str(error).replace(str(folder), "")}
        yield _line(n=number, shape=shape, **outcome)


def _digest(row: dict) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:12]


def time() -> Iterator[str]:
    """What `plume eval time` says of the sample export: rows, claims and counts."""
    _, result = _timed()
    rounded = json.loads(json.dumps(result), parse_float=lambda text: round(float(text), 6))
    yield from (_line(**row) for row in (*rounded["estimates"], *rounded["differences"], *rounded["claims"]))
    yield _line(counts=rounded["counts"], not_understood=rounded["not_understood"])


def pages() -> Iterator[str]:
    """The words of the three French pages: one line a block or a row of a table, cells apart."""
    yield from _words("privacy.html", _built()[0] / "privacy.html")
    yield from _words("report.html", _compared() / "report.html")
    yield from _words("time.html", _timed()[0] / "time.html")


def _words(name: str, path: Path) -> Iterator[str]:
    """Text without tags, styles and blanks; digests, dates of today, versions and folders made the same every time."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"(?s)<(style|script|head|svg)\b.*?</\1>|<!--.*?-->", "", text)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r"</t[dh]>\s*<t[dh]\b[^>]*>", " | ", text)
    text = re.sub(rf"</?(?:{BLOCKS})\b[^>]*>", "\n", text)
    for line in text.split("\n"):
        said = re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", line))).strip()
        for pattern, same in ALWAYS_THE_SAME:
            said = re.sub(pattern, same, said)
        if said:
            yield _line(page=name.removesuffix(".html"), said=said[:240])


def _compared() -> Path:
    """The folder of `plume eval compare` on gold reviews: gold drafts against the draft of another review."""
    from eval.compare import compare
    from eval.drafts import tie

    folder = _folder()
    rows = [row for row in _drafts() if len(row["draft"]) > 400][:48]
    pairs = [
        {"id": f"{n}-1", "network": ("CAF", "Préfectures")[n % 2], "sentiment": row["sentiment"]}
        | {"structure": "Accueil", "title": "Avis", "review": row["review"], "reply": rows[n - 1]["draft"]}
        for n, row in enumerate(rows)
    ]
    splits = {}
    for split, content in {"train": [], "validation": [], "test": pairs}.items():
        (folder / f"{split}.jsonl").write_bytes(to_jsonl(content))
        splits[split] = {"sha256": file_sha256(folder / f"{split}.jsonl")}
    (folder / "manifest.json").write_text(json.dumps({"splits": splits}))
    arms = {"champion": lambda n: rows[n]["draft"], "challenger": lambda n: rows[n - n % 3]["draft"]}
    for arm, draft in arms.items():
        made = [{"id": pair["id"], "system": arm, "draft": draft(n)} for n, pair in enumerate(pairs)]
        meta = {
            "system": {"name": arm, "base": {"model": "tiny"}, "adapter_sha256": None, "prompt": "v1"},
            "decoding": {"strategy": "greedy"},
            "fingerprint": "f",
            "data": {"split": "test", **splits["test"]},
        }
        made, meta = tie(made, meta)
        (folder / f"{arm}.jsonl").write_bytes(to_jsonl(made))
        (folder / f"{arm}.meta.json").write_text(json.dumps(meta))
    drafts = (folder / f"{arm}.jsonl" for arm in arms)
    compare(*drafts, folder, ROOT / "configs" / "eval" / "gate.yaml", out := _folder() / "out")
    return out


REFERENCES = {
    "spans": spans,
    "names": names,
    "texts": texts_written,
    "findings": findings,
    "sentences": sentences_written,
    "dataset": dataset,
    "mutated": mutated,
    "damaged": damaged,
    "time": time,
    "pages": pages,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_what_the_code_gives_is_what_was_frozen(name, plume_home):
    frozen = (HERE / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    now = list(REFERENCES[name]())
    changed = [(then, line) for then, line in zip(frozen, now, strict=False) if then != line]
    assert not changed[:5], f"{len(changed)} lines of {name}.jsonl changed"
    assert len(now) == len(frozen)


def test_the_tour_is_what_the_code_gives(plume_home, tmp_path):
    guide = _module("docs/tour.py")
    data, times = _built()[0], _timed()[1]
    made = guide.tour(data, times, guide.compare_by_hand(data, tmp_path))
    assert made == guide.PAGE.read_text(encoding="utf-8"), "run: python docs/tour.py"


if __name__ == "__main__":
    for name in sys.argv[1:] or REFERENCES:
        lines = [*REFERENCES[name]()]
        (HERE / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
