"""From experiences to a dataset folder, and what a data-protection officer does with it."""
