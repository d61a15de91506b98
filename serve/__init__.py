"""Serves the registry's champion: starts vLLM with its adapter, watches it, stops it."""
