"""Follows a guide as its reader does: bash reads the blocks, plume answers in this process."""

import itertools
import json
import os
import re
import subprocess
import sys
from multiprocessing.connection import Listener
from pathlib import Path

from typer.testing import CliRunner

from plume.cli import app
from tests.docs.guides import blocks

# What stands for a program in the reader's shell: it asks this process, and ends with the exit code that it is told.
_PROGRAM = """#!{python}
import os, sys
from multiprocessing.connection import Client
with Client({address!r}) as asked:
    asked.send([os.path.basename(sys.argv[0]), *sys.argv[1:]])
    out, code = asked.recv()
sys.stdout.write(out)
sys.exit(code)
"""
# A training of seconds.
SMALL = [
    *("dtype=float32", "prompt=short-1", "batch_size=4", "micro_batch_tokens=4096", "recompute=false", "max_steps=2"),
    *(
        "validation.every=2",
        "validation.drafts=1",
        "validation.draft_tokens=4",
        "checkpoint_every=2",
        "max_tokens=2048",
    ),
]
_OPTIONAL = re.compile(r"(?<=\s)\[[^\]]*\](?=\s|$)", re.M)


class Reader:
    """Types a guide's blocks in `folder`. `texts` replaces what the reader writes, `inputs` makes the files in use.

    `elsewhere` are the commands, by their beginning, that are not run here; those that were met are in `skipped`.
    """

    def __init__(self, folder, texts, inputs, settings, elsewhere):
        self.folder, self.texts, self.inputs, self.settings = folder, texts, inputs, settings
        self.elsewhere, self.skipped, self.done, self.said = elsewhere, set(), [], ""
        self.listener = Listener(str(folder / ".reader"), "AF_UNIX")
        self.listener._listener._socket.settimeout(0.05)
        for name in ("bin/plume", "bin/make", "bin/docker", "bin/kubectl", ".venv/bin/mlflow"):
            program = folder / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(_PROGRAM.format(python=sys.executable, address=str(folder / ".reader")))
            program.chmod(0o755)

    def follow(self, guide):
        for block in blocks(guide):
            self.type(block)

    def type(self, block):
        """Run a block in one bash, so that variables and loops are the shell's; answer its programs until it ends."""
        text = _OPTIONAL.sub("", block)
        for written, meant in self.texts.items():
            text = re.sub(rf"(?<![\w./-]){re.escape(written)}(?![\w-])", meant, text)
        environment = {**os.environ, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}
        words = ["bash", "-euo", "pipefail", "-c", text]
        shell = subprocess.Popen(words, cwd=self.folder, env=environment, stderr=subprocess.PIPE, text=True)
        while shell.poll() is None:
            try:
                asked = self.listener.accept()
            except TimeoutError:
                continue
            with asked:
                asked.send(self.answer(asked.recv()))
        assert shell.returncode == 0, (text, self.done[-1:], shell.stderr.read())

    def answer(self, words):
        typed = " ".join(words)
        for beginning in self.elsewhere:
            if re.match(beginning, typed):
                self.skipped.add(beginning)
                return "", 0
        assert words[0] == "plume", f"{typed}: plume does not answer for it"
        words = words[1:] + next(
            (more for begin, more in self.settings.items() if typed.startswith(f"plume {begin}")), []
        )
        self.make_way(words)
        done = CliRunner().invoke(app, words, input="o\n" * 400)
        code = getattr(done.exception, "exit_code", done.exit_code)
        self.done.append((typed, code, str(done.exception or "")))
        self.said = done.stdout
        return done.stdout, 0  # the shell goes on: all that failed is told at the end

    def make_way(self, words):
        """Make the files that a command reads, and put aside what an earlier task wrote to its outputs."""
        outputs = {after for before, after in itertools.pairwise(words) if before == "--out"}
        outputs |= {word.removeprefix("out=") for word in words if word.startswith("out=")}
        for name in outputs:
            path = self.folder / name
            if path.exists() or path.is_symlink():
                path.rename(self.folder / f"aside-{len(list(self.folder.glob('aside-*')))}")
        for word in words:
            for name in re.split(r"[=,\[\]]", word):
                if name not in outputs and name in self.inputs and not (self.folder / name).exists():
                    self.inputs[name](self.folder / name)


def lines(path: Path, rows: list[dict]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def call(*words) -> str:
    """Run a command of plume in this process; give what it prints."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    code = getattr(done.exception, "exit_code", done.exit_code)
    assert code in (0, 10, 20), (words, done.exception, done.output[-2000:])
    return done.stdout
