"""`python -m eval …` is `plume eval …`."""

from eval.cli import app
from plume.command import run

if __name__ == "__main__":
    run(app, "plume eval")
