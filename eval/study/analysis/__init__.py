"""Analyse what a study recorded: times, quality, harms, who did what; study.json and study.html."""
