"""Writes a line of plume's own to the server's log."""

import os
from contextlib import suppress


def tell(text: str) -> None:
    """Write a line in one piece, without the lock of a stream, which the forked engine would keep."""
    with suppress(OSError):
        os.write(2, f"plume: {text}\n".encode(errors="backslashreplace"))
