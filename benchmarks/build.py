"""Speed and memory of `plume data build` as the export grows.

    .venv/bin/python benchmarks/build.py [--sizes 10000,50000,200000] [--ner] [--workers N]

Experiences are those of the sample export with other ids, dates and structures; reviews and nine replies in ten are
made of sentences drawn from all, the tenth is boilerplate. They are written as one JSON array. Each size is built by a
process of its own; memory is the largest of its and its workers' resident sets.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from plume.command import say
from plume.paths import ROOT

SAMPLE = ROOT / "datasets" / "sample" / "export.json"


def write_export(path: Path, size: int) -> None:
    """Write `size` experiences, one by one."""
    rows = json.loads(SAMPLE.read_text(encoding="utf-8"))
    told, sentences = (
        [s.strip() for row in rows for s in (row[name] or "").split(".") if len(s.split()) > 4]
        for name in ("description", "reponse_structure_1")
    )
    draw = random.Random(0)  # noqa: S311
    with path.open("w", encoding="utf-8") as file:
        for i in range(size):
            row = dict(rows[i % len(rows)])
            row["id_experience"] = 1_000_000 + i
            row["ecrit_le"] = f"20{draw.randrange(19, 25)}-{draw.randrange(1, 13):02d}-{draw.randrange(1, 29):02d}"
            row["intitule_structure_1"] = f"{row['intitule_structure_1']} {draw.randrange(200)}"
            row["description"] = f"{'. '.join(draw.sample(told, 5))}, {draw.randrange(10**4)}."
            if row["reponse_structure_1"] and draw.random() < 0.9:
                row["reponse_structure_1"] = "Bonjour, " + ". ".join(draw.sample(sentences, 6)) + "."
            file.write(("[" if not i else ",\n") + json.dumps(row, ensure_ascii=False))
        file.write("]\n")


def measure(size: int, *, ner: bool, workers: int, folder: Path) -> tuple[float, int, dict]:
    """(seconds, peak resident bytes of the largest process, counts) of one build."""
    export, out = folder / "export.json", folder / f"out-{size}"
    write_export(export, size)
    code = (
        "import resource, sys\n"
        "from plume.corpus.build import DataConfig, build\n"
        "if __name__ == '__main__':\n"
        f"    build({str(export)!r}, {str(out)!r}, DataConfig(ner={ner}), workers={workers})\n"
        "    peak = max(resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))\n"
        "    print(peak * 1024)\n"
    )
    script = folder / "one.py"
    script.write_text(code, encoding="utf-8")
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    seconds = time.perf_counter() - started
    return seconds, int(done.stdout), json.loads((out / "manifest.json").read_text(encoding="utf-8"))["counts"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10000,50000,200000")
    parser.add_argument("--ner", action="store_true")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    machine = platform.processor() or platform.machine()
    say(f"{machine}, {os.cpu_count()} cores, {arguments.workers} workers, one run each")
    peaks = {}
    for size in map(int, arguments.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            seconds, peak, counts = measure(size, ner=arguments.ner, workers=arguments.workers, folder=Path(folder))
        peaks[size] = peak
        say(
            f"{size:>8} experiences: {seconds:7.1f} s, {counts['rows'] / seconds:6.0f} rows/s, "
            f"peak {peak / 2**20:.0f} MiB; {counts['pairs']} pairs + {counts['quarantined']} quarantined"
        )
    if len(peaks) > 1:
        small, large = min(peaks), max(peaks)
        say(f"memory slope: {(peaks[large] - peaks[small]) / (large - small):.0f} bytes an experience")


if __name__ == "__main__":
    main()
