"""The directory of public contacts: which phones, e-mails and domains belong to a public service.

Used by the pseudonymiser (what to keep), the checks (which contacts a draft may name) and the prompt. The data and its
limits are described in `datasets/contacts/README.md`.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Self

from plume.errors import InputError
from plume.files import sha256
from plume.paths import ROOT

DEFAULT = ROOT / "datasets" / "contacts" / "contacts.json"
_LABELS = 127  # that a host may have
# Letters that pass for others; "I" for "l" is a slip once in lower case.
_ALIKE = {"0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "rn": "m", "vv": "w"}
_ALIKE_SIGNS = re.compile("|".join(_ALIKE))
_COMMON = frozenset(
    ("data", "plus", "justice", "signal", "interieur", "retraites", "transformation", "etudiant", "conso", "numerique")
)
_PREMIUM = re.compile(r"08[29]\d{7}|118\d{3}|3[29]\d\d")
KINDS = ("phone", "email", "domain")
_HOST = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#\s@]*@)?([^/?#:\s]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Contact:
    """One published contact. `network` None: of use to all; `structure` None: of the whole network."""

    network: str | None
    structure: str | None
    kind: str
    value: str
    label: str
    source: str
    checked_on: str | None


_FIELDS = tuple(f.name for f in fields(Contact))


@dataclass(frozen=True)
class Directory:
    """The contacts that may be shown, kept and quoted."""

    contacts: tuple[Contact, ...] = ()

    @classmethod
    def load(cls, path: str | Path | None = None) -> Self:
        """Read a contacts.json (by default the one of the project). Raises InputError naming the faulty entry."""
        path = Path(path or DEFAULT)
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); give the path of a contacts.json") from error
        except ValueError as error:
            raise InputError(f"{path}: not a JSON file in UTF-8 ({error})") from error
        if not isinstance(entries, list):
            raise InputError(f"{path}: a list of contacts is wanted, not {type(entries).__name__}")
        return cls(tuple(_contact(entry, f"{path}: entry {i}") for i, entry in enumerate(entries, 1)))

    @cached_property
    def phones(self) -> frozenset[str]:
        """Digits in national form: "3646", "0809401401"."""
        return frozenset(national(c.value) for c in self.contacts if c.kind == "phone")

    @cached_property
    def emails(self) -> frozenset[str]:
        return frozenset(c.value.strip().lower() for c in self.contacts if c.kind == "email")

    @cached_property
    def domains(self) -> frozenset[str]:
        return frozenset(host(c.value) for c in self.contacts if c.kind == "domain")

    @cached_property
    def sha256(self) -> str:
        """Hash of the contacts: what was kept, checked or shown with one directory may not be with another."""
        return sha256(to_json(self.contacts).encode())

    def knows_phone(self, text: str) -> bool:
        """Whether a number, however it is spaced or prefixed, is listed."""
        return national(text) in self.phones

    def knows_email(self, text: str) -> bool:
        return text.strip().lower() in self.emails

    def knows_url(self, text: str) -> bool:
        """Whether the host of a URL or domain is listed, below a listed one or below gouv.fr ("amendes.gouv" too)."""
        labels = host(text).split(".")
        if len(labels) > _LABELS:
            return False
        parents = {".".join(labels[i:]) for i in range(len(labels))}
        state = labels[:-1] if labels[-1] == "fr" else labels
        return bool(parents & self.domains) or (state[-1:] == ["gouv"] and len(state) > 1)

    def looks_like(self, url: str) -> bool:
        """Whether the host of a URL is no listed one, but pretends to be: "caf-fr.com", "ameIi.fr", "impots-gouv.net".

        A part of it is a listed name or one slip away from it, in letters that look alike too, or is "gouv".
        """
        if self.knows_url(url) or host(url) == "gouv.fr":
            return False
        *labels, _ = _ALIKE_SIGNS.sub(lambda m: _ALIKE[m[0]], host(url)).split(".")
        wholes = {label.replace("-", "") for label in labels}
        return any(
            part in self._names or (len(part) > 4 and _slips(part) & self._slipped_names)
            for part in wholes.union(*(label.split("-") for label in labels))
        ) or any(len(name) > 7 and name in whole for name in self._names for whole in wholes)

    @cached_property
    def _names(self) -> frozenset[str]:
        """The names by which listed domains are known: "caf", "servicepublic", "gouv"; no common words."""
        labels = (domain.removesuffix(".gouv.fr").rpartition(".") for domain in self.domains)
        names = {last if not parent else parent.rpartition(".")[2] for parent, _, last in labels}
        return frozenset(name.replace("-", "") for name in names if len(name) > 2) - _COMMON | {"gouv"}

    @cached_property
    def _slipped_names(self) -> frozenset[str]:
        return frozenset(slip for name in self._names if len(name) > 4 for slip in _slips(name))

    def of(self, network: str | None, structure: str | None) -> list[Contact]:
        """Contacts for a structure: its own first, then its network's, then those of use to all."""
        scopes = [_key(network, structure), _key(network, None), _key(None, None)]
        found = [c for scope in dict.fromkeys(scopes) for c in self._by_scope.get(scope, ())]
        return list(dict.fromkeys(found))

    @cached_property
    def _by_scope(self) -> dict[tuple[str, str], list[Contact]]:
        """An imported directory has tens of thousands of structures: a prompt must not look through them all."""
        index: dict[tuple[str, str], list[Contact]] = {}
        for contact in self.contacts:
            index.setdefault(_key(contact.network, contact.structure), []).append(contact)
        return index


def is_premium(phone: str) -> bool:
    """Whether a number is of a range whose calls may cost more: 0 82x, 0 89x, 118 xxx, short ones in 32 and 39."""
    return _PREMIUM.fullmatch(national(phone)) is not None


def _slips(name: str) -> set[str]:
    """A name and all that one lost letter leaves of it: two names that share one are one slip apart."""
    return {name} | {name[:i] + name[i + 1 :] for i in range(len(name))}


def national(phone: str) -> str:
    """The digits of a phone number, with the French country code replaced by 0: "+33 (0)1 84…" -> "0184…"."""
    digits = re.sub(r"\D", "", phone.replace("(0)", ""))
    if re.match(r"\s*\(?\+\s*33", phone) or digits.startswith("0033"):
        digits = "0" + digits.removeprefix("00").removeprefix("33").removeprefix("0")
    return digits


def host(url: str) -> str:
    """The host of a URL or domain, in lower case, without "www."."""
    match = _HOST.match(url)
    return match[1].lower().strip(".").removeprefix("www.") if match else ""


def to_json(contacts: Iterable[Contact]) -> str:
    """The text of a contacts.json: one contact a line, sorted, so that two versions can be compared."""
    ordered = sorted(contacts, key=lambda contact: [part or "" for part in astuple(contact)])
    return "[\n" + ",\n".join(f" {json.dumps(asdict(c), ensure_ascii=False)}" for c in ordered) + "\n]\n"


def _key(network: str | None, structure: str | None) -> tuple[str, str]:
    return _fold(network or ""), _fold(structure or "")


def _fold(name: str) -> str:
    """Without case, accents, and differences of blanks, hyphens or apostrophes: "Préfecture de l’Ain" in any hand."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return " ".join(re.findall(r"\w+", "".join(c for c in plain if not unicodedata.combining(c))))


def _contact(entry: object, where: str) -> Contact:
    names = _FIELDS
    if not isinstance(entry, dict) or entry.keys() != set(names):
        raise InputError(f"{where}: exactly these keys are wanted: {', '.join(names)}")
    for name in names:
        if not isinstance(entry[name], str) and not (
            entry[name] is None and name in ("network", "structure", "checked_on")
        ):
            raise InputError(f"{where}: {name} must be a text, found {entry[name]!r}")
    if entry["kind"] not in KINDS:
        raise InputError(f"{where}: kind {entry['kind']!r} is not one of {', '.join(KINDS)}")
    return Contact(**entry)
