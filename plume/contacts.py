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
        """Whether the host of a URL or domain is listed, is below a listed one, or is below gouv.fr."""
        labels = host(text).split(".")
        if len(labels) > _LABELS:
            return False
        parents = {".".join(labels[i:]) for i in range(len(labels))}
        return bool(parents & self.domains) or (labels[-2:] == ["gouv", "fr"] and len(labels) > 2)

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
