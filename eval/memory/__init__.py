"""Measures what a shadow run retained of the secrets that were planted in it."""
