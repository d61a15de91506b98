"""The page on which evaluators read all items of several systems side by side (`plume eval browse`)."""

from urllib.parse import quote, urlencode

PORT = 8765
ADDRESS = f"http://127.0.0.1:{PORT}"  # where the links of report.html lead


def link(item: str, measure: str = "") -> str:
    """Give the address of an item among those whose draft by the candidate, the second system, fails a measure."""
    measure = {"respect": "check:tone"}.get(measure, measure)  # the part of tone that no draft may lack
    query = urlencode({"check": measure, "change": "fails", "system": 1}) if measure else ""
    return f"{ADDRESS}/items/{quote(item, safe='')}{'?' * bool(query)}{query}"
