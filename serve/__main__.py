"""`python -m serve …` is `plume serve …`."""

from plume.command import run
from serve.cli import app

if __name__ == "__main__":
    run(app, "plume serve")
