"""Reading the platform's export: flat rows, one an experience, with up to three structures each.

Field names are the slugs of the open-data API (`id_experience`, `reponse_structure_1` …). Every value is a string or
None; what is empty is None. What is read: the API's JSON array, several arrays one after the other (the API cuts long
exports), and one JSON object a line.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path

from plume.errors import InputError

Row = dict[str, str | None]

STRUCTURES = (1, 2, 3)
REQUIRED = ("id_experience", "description", "ecrit_le")

# The fields of structure N, without their suffix's place: some carry N in the middle of their name.
STRUCTURE_FIELDS = {
    "network": "intitule_typologie_{n}",
    "structure": "intitule_structure_{n}",
    "channels": "canaux_typologie_{n}",
    "status": "statut_reponse_structure_{n}",
    "reply": "reponse_structure_{n}",
    "ai_offered": "aide_ia_proposee_reponse_structure_{n}",
    "ai_similarity": "taux_de_similarite_reponse_ia_structure_{n}",
    "agent_vote": "vote_de_l_agent_reponse_ia_structure_{n}",
    "author_vote": "evaluation_reponse_structure_{n}_par_auteur",
}


def read_experiences(path: str | Path) -> Iterator[Row]:
    """Every row of an export, in file order.

    Raises InputError if the file is missing, unreadable, empty or truncated, or if a required field is absent.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such export; give the platform's JSON export") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 (byte {error.start}); give the platform's JSON export") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if not text.strip():
        raise InputError(f"{path}: empty; download the export again")
    count = 0
    for value in _values(text, path):
        rows = value if isinstance(value, list) else [value]
        for row in rows:
            count += 1
            if not isinstance(row, dict):
                raise InputError(f"{path}: record {count} is a {type(row).__name__}, not an object of fields")
            yield _row(row, path, count)
    if not count:
        raise InputError(f"{path}: holds no experience; download the export again")


def _values(text: str, path: Path) -> Iterator[object]:
    decoder = json.JSONDecoder()
    at = 0
    blank = re.compile(r"[\s,]*")
    while (at := blank.match(text, at).end()) < len(text):  # type: ignore[union-attr]
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            cut = error.pos >= len(text.rstrip()) - 1 or "Unterminated" in error.msg
            what = "truncated" if cut else "not valid JSON"
            raise InputError(
                f"{path}, line {error.lineno}: {what} ({error.msg}); download the export again, nothing was written"
            ) from None
        except (ValueError, RecursionError) as error:  # a number of thousands of digits, thousands of brackets
            raise InputError(f"{path}: not an export of experiences ({error})") from None
        yield value


def _row(raw: dict[str, object], path: Path, number: int) -> Row:
    missing = [name for name in REQUIRED if name not in raw]
    if missing:
        raise InputError(
            f"{path}: record {number} has no field {', '.join(missing)}; give the export of experiences, unmodified"
        )
    return {name: _text(value) for name, value in raw.items()}


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # Half an emoji (a lone surrogate) cannot be written to a file.
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text if text.strip() else None


def structures(row: Row) -> list[dict[str, str | None]]:
    """The structures that an experience was sent to: `number` (1 to 3) and STRUCTURE_FIELDS, absent ones left out."""
    found = []
    for n in STRUCTURES:
        fields = {name: row.get(slug.format(n=n)) for name, slug in STRUCTURE_FIELDS.items()}
        if any(fields[name] for name in ("network", "structure", "status", "reply")):
            found.append({"number": str(n), **fields})
    return found


def parse_date(text: str | None) -> dt.date | None:
    """A date as the platform has written it over the years: `YYYY-MM-DD`, ISO with a time, `DD/MM/YYYY`; else None."""
    if not text:
        return None
    text = text.strip()
    for pattern, order in ((r"(\d{4})-(\d\d)-(\d\d)(?:[T ].*)?$", (1, 2, 3)), (r"(\d\d)/(\d\d)/(\d{4})$", (3, 2, 1))):
        if match := re.match(pattern, text):
            try:
                return dt.date(*(int(match[i]) for i in order))
            except ValueError:
                return None
    return None
