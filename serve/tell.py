"""Writes a line of plume's own to the server's log."""

import os
from contextlib import suppress


def tell(text: str) -> None:
    """A line in one piece, and without the lock of a stream, which the engine that is forked off would keep."""
    with suppress(OSError):
        os.write(2, f"plume: {text}\n".encode(errors="backslashreplace"))
