"""Serve a study to agents in a browser: French pages, timed writing, blind comparison, the organiser's view."""
