"""`python -m plume.demo [EXPORT]`, which `make demo` runs."""

import sys
from pathlib import Path

from plume.command import stderr
from plume.demo.run import demo
from plume.paths import ROOT


def main() -> None:
    """Run the demo on an export, by default the invented one."""
    try:
        demo(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "datasets/sample/export.json").resolve())
    except KeyboardInterrupt:
        stderr.print("\ninterrupted; make demo starts over")
        sys.exit(130)


if __name__ == "__main__":
    main()
