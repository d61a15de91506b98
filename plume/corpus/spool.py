"""The build's working store: a temporary SQLite file, so that memory does not grow with the export.

It holds masked texts only. Rows come in file order, are marked with the reason why they leave, get a split, and are
read back in file order.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from struct import pack, unpack
from typing import Any

from plume.corpus.pairs import Quarantined
from plume.corpus.similar import scheme
from plume.corpus.split import Splitting, assign, experience_of, fraction
from plume.french.similar import similarity

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA temp_store = FILE;
PRAGMA cache_size = -16384;
CREATE TABLE experience (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE pair (
    seq INTEGER PRIMARY KEY, id TEXT, experience TEXT, written_on TEXT, fraction REAL,
    network TEXT, structure TEXT, department TEXT, age_band TEXT,
    line TEXT, facts TEXT, reply_bands BLOB, review_bands BLOB,
    cluster INTEGER, reason TEXT, detail TEXT, split TEXT
);
CREATE TABLE quarantine (seq INTEGER PRIMARY KEY, reason TEXT, line TEXT);
CREATE TABLE band (key INTEGER, seq INTEGER, PRIMARY KEY (key, seq)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Spooled:
    """Holds a masked pair as the store takes it: values, bands of reply and review, and what to count if it is kept."""

    values: dict[str, Any]
    reply_bands: list[int]
    review_bands: list[int]
    facts: dict[str, Any]
    age_band: str | None


class Spool:
    """Opened in a folder of its own; see the module."""

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "spool.db", isolation_level=None)
        self._db.executescript(_SCHEMA)
        self._db.execute("BEGIN")
        self.rows = 0
        self._text = lru_cache(maxsize=512)(self._read_text)

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    # --- coming in

    def is_repeated(self, experience: str) -> bool:
        """Say whether this id was asked for before."""
        return not self._db.execute("INSERT OR IGNORE INTO experience VALUES (?)", (experience,)).rowcount

    def next_seq(self) -> int:
        self.rows += 1
        return self.rows

    def add_quarantined(self, seq: int, row: Quarantined) -> None:
        line = json.dumps(asdict(row), ensure_ascii=False)
        self._db.execute("INSERT INTO quarantine VALUES (?, ?, ?)", (seq, row.reason, line))

    def add(self, seq: int, row: Spooled | Quarantined) -> None:
        if isinstance(row, Quarantined):
            self.add_quarantined(seq, row)
            return
        pair, values = row, row.values
        experience = experience_of(values["id"])
        self._db.execute(
            "INSERT INTO pair VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,NULL,NULL,NULL)",
            (
                *(seq, values["id"], experience, values["written_on"], fraction(experience)),
                *(values["network"], values["structure"], values["department"], pair.age_band),
                *(json.dumps(values, ensure_ascii=False), json.dumps(pair.facts)),
                *(_packed(pair.reply_bands), _packed(pair.review_bands), seq),  # each founds its cluster, at first
            ),
        )

    # --- leaving out

    def cap_near_duplicates(self, threshold: float, per_structure: int, in_all: int) -> dict[str, int]:
        """Leave out pairs whose reply is nearly that of many others, of one structure or of all; a hash decides which.

        A reply joins the first earlier one that it resembles by `threshold` or more, else it founds a cluster.
        Returns how many clusters of two and more there are, the pairs that they hold, and the size of the largest.
        """
        self._db.execute("DELETE FROM band")
        for seq, bands in self._kept("seq, reply_bands"):
            keys = _unpacked(bands)
            if near := self._resembling(seq, keys, 0, threshold):
                self._db.execute("UPDATE pair SET cluster = ? WHERE seq = ?", (near, seq))
            else:
                self._index(seq, keys)
        sizes = "SELECT COUNT(*) AS n FROM pair WHERE reason IS NULL GROUP BY cluster HAVING n > 1"
        [found] = self._db.execute(f"SELECT COUNT(*), COALESCE(SUM(n), 0), COALESCE(MAX(n), 0) FROM ({sizes})")  # noqa: S608
        for among, most, whose in (
            ("network, structure, cluster", per_structure, "its structure has"),
            ("cluster", in_all, "the corpus has"),
        ):
            self._db.execute(
                f"""UPDATE pair SET reason = 'near_duplicate_reply', detail = ?
                    WHERE seq IN (SELECT seq FROM (SELECT seq, ROW_NUMBER() OVER
                        (PARTITION BY {among} ORDER BY fraction, seq) AS place FROM pair WHERE reason IS NULL)
                        WHERE place > ?)""",  # noqa: S608
                (f"{whose} {most} pairs with nearly this reply already", most),
            )
        return dict(zip(("clusters", "pairs", "largest"), found, strict=True))

    def assign_splits(self, shares: Splitting) -> None:
        """Send each experience to its split, as `split.assign` does."""
        assign(self._db, shares)

    def part_near_duplicates(self, threshold: float) -> None:
        """Leave out of training (and validation) what resembles a pair of test (or validation), in reply or review."""
        for held, others in (("test", ("train", "validation")), ("validation", ("train",))):
            for column, place in (("reply_bands", 0), ("review_bands", 1)):
                self._db.execute("DELETE FROM band")
                for seq, bands in self._kept(f"seq, {column}", (held,)):
                    self._index(seq, _unpacked(bands))
                for seq, bands in self._kept(f"seq, {column}", others):
                    if self._resembling(seq, _unpacked(bands), place, threshold):
                        detail = f"its {('reply', 'review')[place]} is nearly that of a pair of {held}"
                        self._db.execute(
                            "UPDATE pair SET reason = ?, detail = ? WHERE seq = ?",
                            (f"near_duplicate_of_{held}", detail, seq),
                        )

    def settle(self) -> None:
        """Move the pairs that were left out to the quarantine."""
        for row in self._read(
            "SELECT seq, id, reason, detail, network, structure FROM pair WHERE reason IS NOT NULL ORDER BY seq"
        ):
            self.add_quarantined(row[0], Quarantined(*row[1:]))

    # --- going out

    def lines(self, split: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the line and facts of each pair of a split, in file order."""
        for line, facts in self._kept("line, facts", (split,)):
            yield line, json.loads(facts)

    def held_out(self) -> frozenset[str]:
        """Name the experiences of validation and test."""
        return frozenset(
            experience
            for (experience,) in self._read(
                "SELECT DISTINCT experience FROM pair WHERE reason IS NULL AND split IN ('validation', 'test')"
            )
        )

    def quarantine(self) -> Iterator[str]:
        for (line,) in self._read("SELECT line FROM quarantine ORDER BY seq"):
            yield line

    def reasons(self) -> dict[str, int]:
        return dict(self._db.execute("SELECT reason, COUNT(*) FROM quarantine GROUP BY reason ORDER BY reason"))

    def describe(self, split: str) -> dict[str, Any]:
        [(pairs, experiences, first, last)] = self._db.execute(
            """SELECT COUNT(*), COUNT(DISTINCT experience), MIN(written_on), MAX(written_on)
               FROM pair WHERE reason IS NULL AND split = ?""",
            (split,),
        )
        return {"pairs": pairs, "experiences": experiences, "from": first, "to": last}

    def k_anonymity(self, *, age: bool) -> dict[str, Any]:
        """Count experiences that share department, structure and month (and age band): groups by size, pairs below 5.

        A pair without department or structure belongs to no group, and is counted as `incomplete`: what is not told is
        not shared.
        """
        columns = "department, structure, substr(written_on, 1, 7)" + (", age_band" if age else "")
        complete = "department IS NOT NULL AND structure IS NOT NULL"
        sizes = f"""SELECT COUNT(DISTINCT experience) AS k, COUNT(*) AS pairs
                    FROM pair WHERE reason IS NULL AND {complete} GROUP BY {columns}"""  # noqa: S608
        [(groups, smallest, pairs, below)] = self._db.execute(
            f"""SELECT COUNT(*), MIN(k), COALESCE(SUM(pairs), 0), COALESCE(SUM(CASE WHEN k < 5 THEN pairs END), 0)
                FROM ({sizes})"""  # noqa: S608
        )
        [(kept,)] = self._db.execute("SELECT COUNT(*) FROM pair WHERE reason IS NULL")
        names = {"1": (1, 1), "2-4": (2, 4), "5-9": (5, 9), "10+": (10, 1 << 60)}
        count = f"SELECT COUNT(*) FROM ({sizes}) WHERE k BETWEEN ? AND ?"  # noqa: S608
        return {
            "smallest": smallest,
            "groups": groups,
            "below_5": {"pairs": below, "share": round(below / pairs, 4) if pairs else 0.0},
            "incomplete": kept - pairs,
            "histogram": {name: self._db.execute(count, limits).fetchone()[0] for name, limits in names.items()},
        }

    # --- inside

    def _kept(self, columns: str, splits: tuple[str, ...] | None = None) -> Iterator[tuple]:
        where = f"AND split IN ({', '.join('?' * len(splits))})" if splits else ""
        return self._read(f"SELECT {columns} FROM pair WHERE reason IS NULL {where} ORDER BY seq", splits or ())  # noqa: S608

    def _read(self, query: str, values: Iterable[Any] = ()) -> Iterator[tuple]:
        """Yield rows of a query, in pages, so that the table may change while they are looked at."""
        cursor = self._db.execute(query, tuple(values))
        while page := cursor.fetchmany(1000):
            yield from page

    def _read_text(self, seq: int) -> tuple[str, str]:
        [(line,)] = self._db.execute("SELECT line FROM pair WHERE seq = ?", (seq,))
        values = json.loads(line)
        return values["reply"], values["review"]

    def _index(self, seq: int, keys: list[int]) -> None:
        self._db.executemany("INSERT INTO band VALUES (?, ?)", [(key, seq) for key in keys])

    def _resembling(self, seq: int, keys: list[int], place: int, threshold: float) -> int | None:
        """Find the first indexed pair whose text (0: reply, 1: review) is nearly this one's; most share no band."""
        if not (sharing := self._sharing(keys, threshold)):
            return None
        text = self._text(seq)[place]
        return next((s for s in sharing if similarity(text, self._text(s)[place]) >= threshold), None)

    def _sharing(self, keys: list[int], threshold: float) -> list[int]:
        """Find the indexed pairs that share enough bands with these keys, those that share most first."""
        query = f"""SELECT seq FROM band WHERE key IN ({", ".join("?" * len(keys))})
                    GROUP BY seq HAVING COUNT(*) >= ? ORDER BY COUNT(*) DESC, seq"""  # noqa: S608
        *_, shared = scheme(threshold)
        return [seq for (seq,) in self._db.execute(query, (*keys, shared))]


def _packed(keys: list[int]) -> bytes:
    return pack(f"<{len(keys)}q", *keys)


def _unpacked(data: bytes) -> list[int]:
    return list(unpack(f"<{len(data) // 8}q", data))
