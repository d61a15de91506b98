"""Measures a server under the corpus's own load: `plume serve bench`."""
