"""The statistics of the verdict: numpy and scipy only, no I/O. Every result is an `Estimate`."""
