"""Speed and memory of `plume eval time` on a large export: reading, estimates with their bootstrap, page.

    .venv/bin/python benchmarks/time.py [--size 200000] [--structures 1500] [--draws 1000] [--runs 3]

Experiences are invented: eight years, networks and structures of unequal size, lognormal delays, placeholders, votes,
AI help after the pilot's start. They are written as one JSON array; each run is a process of its own.
"""

import argparse
import datetime as dt
import json
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
FIRST, LAST, PILOT = dt.date(2019, 1, 1), dt.date(2025, 2, 1), dt.date(2023, 10, 5)


def write_export(path: Path, size: int, structures: int) -> None:
    """Write `size` experiences, one by one, with every column that the sample has."""
    rows = json.loads(SAMPLE.read_text(encoding="utf-8"))
    draw = random.Random(0)  # noqa: S311
    weights = [draw.lognormvariate(0, 1) for _ in range(structures)]
    speed = [draw.gauss(2.2, 0.4) for _ in range(structures)]
    adopters = {i for i in range(structures) if draw.random() < 0.4}
    drawn = draw.choices(range(structures), weights, k=size)
    with path.open("w", encoding="utf-8") as file:
        for i, structure in enumerate(drawn):
            row = dict(rows[i % len(rows)])
            written = FIRST + dt.timedelta(days=draw.randrange((LAST - FIRST).days))
            published = written + dt.timedelta(days=draw.randrange(4))
            replied = published + dt.timedelta(days=int(draw.lognormvariate(speed[structure], 1.1)))
            answered = replied <= LAST and draw.random() < 0.93
            helped = answered and published >= PILOT and structure in adopters and draw.random() < 0.5
            row |= {
                "id_experience": 1_000_000 + i,
                "ecrit_le": str(written),
                "date_de_publication": f"{published}T10:00:00+00:00",
                "date_de_premiere_reponse": str(replied) if answered else None,
                "intitule_typologie_1": f"Réseau {structure % 30}",
                "intitule_structure_1": f"Structure {structure}",
                "statut_reponse_structure_1": "Réponse apportée" if answered else "En attente de réponse",
                "reponse_structure_1": (row["reponse_structure_1"] or row["description"]) if answered else None,
                "aide_ia_proposee_reponse_structure_1": "O" if helped else "N",
                "taux_de_similarite_reponse_ia_structure_1": draw.randrange(20, 101) if helped else None,
                "evaluation_reponse_structure_1_par_auteur": (
                    draw.choices(("utile", "pas utile"), (7, 3))[0] if answered and draw.random() < 0.1 else None
                ),
            }
            file.write(("[" if not i else ",\n") + json.dumps(row, ensure_ascii=False))
        file.write("]\n")


def measure(export: Path, out: Path, draws: int) -> dict[str, float]:
    """Seconds of each part, and the peak resident memory, of one run in a process of its own."""
    code = (
        "import json, resource, time\n"
        "from eval.time import run as command\n"
        "seen = {}\n"
        "def timed(name, function):\n"
        "    def call(*args, **options):\n"
        "        started = time.perf_counter()\n"
        "        try:\n"
        "            return function(*args, **options)\n"
        "        finally:\n"
        "            seen[name] = time.perf_counter() - started\n"
        "    return call\n"
        "for name in ('read_waits', 'estimate', 'render'):\n"
        "    setattr(command, name, timed(name, getattr(command, name)))\n"
        "started = time.perf_counter()\n"
        f"result = command.run({str(export)!r}, {str(out)!r}, draws={draws}, force=True)\n"
        "seen['all'] = time.perf_counter() - started\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "seen['cpu'] = used.ru_utime + used.ru_stime\n"
        "seen['rows'] = len(result['estimates'])\n"
        "seen['mib'] = used.ru_maxrss / 1024\n"
        "print(json.dumps(seen))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=200_000)
    parser.add_argument("--structures", type=int, default=1500)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "export.json"
        started = time.perf_counter()
        write_export(export, arguments.size, arguments.structures)
        say(
            f"{platform.processor() or platform.machine()}: {arguments.size} experiences of {arguments.structures} "
            f"structures, {export.stat().st_size / 2**20:.0f} MiB (written in {time.perf_counter() - started:.0f} s), "
            f"{arguments.draws} draws"
        )
        for number in range(1, arguments.runs + 1):
            seen = measure(export, Path(folder) / "out", arguments.draws)
            parts = f"reading {seen['read_waits']:.1f}, estimates {seen['estimate']:.1f}, page {seen['render']:.1f}"
            say(f"run {number}: {seen['all']:.1f} s ({parts})")
            say(f"  CPU {seen['cpu']:.1f} s, {seen['mib']:.0f} MiB, {seen['rows']} rows")


if __name__ == "__main__":
    main()
