"""What a run takes from the grid, by codecarbon, without network."""

import logging
from typing import Any


class Energy:
    """Context that measures; `used` is then {"kwh", "kg_co2e"}, or None where codecarbon could not measure.

    A resumed run counts its own part alone: what was used before it was killed is not known.
    """

    def __init__(self, country: str) -> None:
        self.country = country
        self.used: dict[str, float] | None = None
        self._tracker: Any = None

    def __enter__(self) -> "Energy":
        logging.getLogger("codecarbon").disabled = True
        from codecarbon import OfflineEmissionsTracker

        try:
            self._tracker = OfflineEmissionsTracker(
                country_iso_code=self.country,
                save_to_file=False,
                log_level="critical",
                allow_multiple_runs=True,
                measure_power_secs=15,
            )
            self._tracker.start()
        except Exception:  # a run is never lost to its own energy meter
            self._tracker = None
        return self

    def __exit__(self, *_: object) -> None:
        if self._tracker is None:
            return
        try:
            emissions = self._tracker.stop()
            energy = self._tracker.final_emissions_data.energy_consumed
        except Exception:
            return
        if emissions is not None:
            self.used = {"kwh": float(energy), "kg_co2e": float(emissions)}
