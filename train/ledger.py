"""A run's metrics in MLflow. Its folder holds them first, so a store that is away for a while misses nothing."""

import json
import time
from pathlib import Path

from mlflow import MlflowClient, get_tracking_uri
from mlflow.entities import Metric

from plume import tracking
from plume.command import stderr
from plume.errors import first_line, without_secrets
from plume.files import whole_lines
from plume.interrupt import deferred

RETRY = 30.0  # seconds until a store that did not answer is asked again
_MOST = 1000  # metrics that MLflow takes at once
_LOCAL = ("step", "seconds", "seconds_left")  # of steps.jsonl alone


class Ledger:
    """Logs each step once. While the store is away the training goes on; then it catches up from steps.jsonl.

    A resumed run goes on after the last step that the store has.
    """

    def __init__(self, run_id: str, steps: Path) -> None:
        self._run_id, self._steps, self._client = run_id, steps, MlflowClient()
        self._logged = tracking.last_step(run_id, "loss")
        self._missed, self._again = steps.is_file(), 0.0  # killed between the folder and the store

    def log(self, metrics: dict[str, float], step: int) -> None:
        """What a step gave, which steps.jsonl holds by now. Raises nothing that the store could be the cause of."""
        if time.monotonic() < self._again:
            return
        try:
            with deferred(), tracking.hasty():
                if self._missed:
                    self._catch_up()
                elif step > self._logged:  # a step that is done again after a kill stands once in the ledger
                    self._send([(step, metrics)])
        except Exception as error:
            if not tracking.is_of_store(error):
                raise
            if not self._again:
                self._say(f"does not answer ({first_line(error)}); training goes on, {self._steps} holds all")
            self._missed, self._again = True, time.monotonic() + RETRY
            return
        if self._again:
            self._say(f"answers again, and has caught up to step {self._logged}")
        self._missed, self._again = False, 0.0

    def finish(self) -> None:
        """Log what the store still lacks. Raises what it raises."""
        if self._missed:
            self._catch_up()
            if self._again:
                self._say(f"answers again, and has caught up to step {self._logged}")

    def _catch_up(self) -> None:
        self._logged = max(self._logged, self._last())
        rows = [json.loads(line) for line in whole_lines(self._steps)[0]]
        self._send([(row["step"], row) for row in rows if row["step"] > self._logged])

    def _last(self) -> int:
        """Asked anew: a store that did not answer may have written all the same."""
        return max((m.step for m in self._client.get_metric_history(self._run_id, "loss")), default=0)

    def _send(self, rows: list[tuple[int, dict[str, float]]]) -> None:
        now = int(time.time() * 1000)
        of_one = [[Metric(k, v, now, step) for k, v in row.items() if k not in _LOCAL] for step, row in rows]
        while of_one:
            together: list[Metric] = []
            while of_one and len(together) + len(of_one[0]) <= _MOST:  # a step is logged whole or not at all
                together += of_one.pop(0)
            self._client.log_batch(self._run_id, metrics=together)
        if rows:
            self._logged = rows[-1][0]

    def _say(self, what: str) -> None:
        stderr.print(
            f"training: MLflow store {without_secrets(get_tracking_uri())} {what}", markup=False, soft_wrap=True
        )
