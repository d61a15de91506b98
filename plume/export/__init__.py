"""The export of Services Publics +: bytes in JSON or CSV become rows, their columns known and their values read."""
