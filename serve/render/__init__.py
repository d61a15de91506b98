"""Writes the files by which a site runs plume, from the server's one config: `plume serve render`."""
