"""Measure with people what drafts change: time, quality and harm, in a randomised crossover that a browser runs."""
