"""Invented platforms whose truth is known: an export to try `plume eval time` on, and to test it with."""
