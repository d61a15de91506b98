"""How long citizens wait: read from the export, in periods of equal follow-up, described."""
