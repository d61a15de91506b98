"""Puts configs/ and datasets/ into a wheel, in plume/shipped (plume/paths.py). pyproject.toml says all the rest."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithData(build_py):
    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        shipped = Path(self.build_lib, "plume", "shipped")
        shutil.rmtree(shipped, ignore_errors=True)
        for name in ("configs", "datasets"):
            shutil.copytree(name, shipped / name, ignore=shutil.ignore_patterns("*.rejected.jsonl"))


setup(cmdclass={"build_py": WithData})
