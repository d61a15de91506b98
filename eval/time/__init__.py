"""Waiting time and satisfaction, before and after the pilot's start, beside what was claimed about them."""
