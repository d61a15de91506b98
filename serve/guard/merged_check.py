"""Compares an engine of merged weights, before it listens, with what PEFT gave when they were exported."""

import json

from plume import golden
from plume.errors import PlumeError
from plume.exported import Exported
from serve.guard.engine_client import EngineClient


async def compare(engine: EngineClient, name: str, exported: Exported, dtype: str) -> float:
    """Measure how far an engine of merged weights is from what PEFT gave when they were exported.

    Allowed is what the coarser of two precisions takes: the weights' own, to which they were rounded, and the engine's.
    Raises InputError if that is above the tolerance, PlumeError if the engine does not answer.
    """
    gaps = []
    for number, (ids, expected) in enumerate(exported.golden, 1):
        status, body = await engine.fetch("/v1/completions", golden.request(name, ids))
        if status != 200:
            raise PlumeError(f"{name}: golden prompt {number}: the engine answered {status}")
        gaps.append(golden.measure(golden.answered(json.loads(body)), expected))
    return golden.check(name, gaps, max(dtype, exported.dtype, key=golden.TOLERANCE.__getitem__))
