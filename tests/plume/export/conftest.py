"""Fixtures of the tests of the export: a file of any bytes."""

from pathlib import Path

import pytest


@pytest.fixture
def write(tmp_path: Path):
    def write(content: str | bytes, name: str = "export") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write
