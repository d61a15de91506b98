"""`python -m train …` is `plume train …`; torchrun needs a module."""

from plume.command import run
from train.cli import app

if __name__ == "__main__":
    run(app, "plume train")
