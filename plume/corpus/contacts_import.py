"""`plume data contacts import`: the open data of the State's directory of public services becomes a contacts.json.

The directory (annuaire de l'administration, DILA, Licence Ouverte) is published as a national and a local file, JSON
`{"service": [...]}`, and as an export whose nested fields are JSON in a string (array or CSV). What is read of a
service: `nom`, `telephone`, `adresse_courriel`, `site_internet`, `pivot[].type_service_local`, `date_modification`.

Being listed makes a value public for the pseudonymiser: it will not be masked. So what could be somebody's own is
refused, even though the directory prints it: mobile numbers, mailboxes and sites that bear a name, pages on shared
sites, and whatever belongs to a service that is called like a person or is an office that somebody keeps (a notary's, a
member of parliament's).
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from plume import files
from plume.contacts import Contact, Directory, host, national, to_json
from plume.corpus.directory_names import NETWORKS, short_name
from plume.errors import InputError
from plume.export.body_names import body_name, names_a_person
from plume.export.cleaning import clean
from plume.export.reader import read_records
from plume.french.insee import known_names
from plume.french.phrases import BODY
from plume.french.text import fold
from plume.french.vocabulary import any_of, column, folded, terms
from plume.french.words import FIRST_NAMES, Word

_HERE = Path(__file__).parent
SOURCE = "lannuaire.service-public.fr"
# Values that are not repeated.
PERSONAL = frozenset({"mobile_phone", "mailbox_of_a_person", "service_of_a_person", "site_of_a_person"})

_EMAIL = re.compile(r"[a-z0-9][a-z0-9._%+-]*@(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
_SHORT_NUMBER = re.compile(r"3\d{3}|10\d{2}|1[1-9]\d?|116\d{3}|118\d{3}")
_NATIONAL = re.compile(r"0[1-589]\d{8}")
_ABROAD = re.compile(r"[1-9]\d{7,14}")
_OVERSEAS = re.compile(r"(?:00)?(?:262|590|594|596)(\d{9})")  # dialled 0 and these nine digits within France
_PACIFIC_MOBILE = re.compile(r"(?:00)?(?:687[789]|689(?:87|89))")
_SHARED_SITES = re.compile(rf"(?:^|\.){any_of(terms('shared_sites', _HERE))}\.[a-z]{{2,3}}$")
_SUFFIXES = frozenset({"gouv.fr", "asso.fr", "com.fr", "nom.fr", "tm.fr"})  # they would stand for all below them
_SERVICE_WORDS = folded("service_words", _HERE)

# Who works under their own name; not their chambers and orders, nor the bodies that help to find one.
_OFFICE = re.compile(
    r"\b(?:selarl|selas|selurl|scp|scm|sarl|eurl|cabinet|etude|office notarial|notaires?|huissiers?|avocate?s?|"
    r"commissaires? de justice|greffiers? associes?|permanence|depute[es]?|senat(?:eur|rice)|conciliat(?:eur|rice)|"
    r"medecin|docteur|infirmi(?:er|ere)s?|psychologue|orthophoniste|sage-femme|kinesitherapeute|dentiste|"
    r"geometres?|architecte|expert-comptable|mandataire|administrat(?:eur|rice) judiciaire|assistante? sociale?)\b"
)
_BODY_OF_OFFICES = re.compile(
    rf"\b(?:{BODY}|chambre|ordre|conseil|maison|point|syndicat|federation|union|cour|bureau|ecole|institut|ministere"
    r"|direction|france|permanence (?:d'acces|juridique|sociale|des? services?))\b"
)

_CIVILITIES = frozenset(fold(form).strip(".") for form in column("civilities", "form"))


@dataclass(frozen=True)
class Rejected:
    """A value that was not taken. It is left out where it could be a person's own."""

    service: str
    kind: str
    value: str | None
    reason: str


@dataclass
class Imported:
    """What came of a directory's file: `services` read, contacts, rejected values."""

    services: int = 0
    contacts: list[Contact] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def reasons(self) -> dict[str, int]:
        return dict(sorted(Counter(r.reason for r in self.rejected).items()))


def read_directory(path: str | Path) -> Imported:
    """The contacts of a file of the directory (JSON or CSV, gzip of either), each value once for a service.

    Raises InputError if the file cannot be read, or holds no service or no contact.
    """
    path = Path(path)
    result = Imported()
    seen: set[Contact] = set()
    for service in _services(path):
        result.services += 1
        for outcome in _outcomes(service):
            if isinstance(outcome, Rejected):
                result.rejected.append(outcome)
            elif outcome not in seen:
                seen.add(outcome)
                result.contacts.append(outcome)
    if not result.services:
        raise InputError(f'{path}: no service in it; give the directory\'s JSON ({{"service": [...]}}) or its export')
    if not result.contacts:
        raise InputError(
            f"{path}: no contact in its {result.services} services; give the directory of public services, with the "
            "columns nom, telephone, adresse_courriel, site_internet"
        )
    return result


def merge(curated: Directory, imports: Iterable[Imported]) -> list[Contact]:
    """The contacts kept by hand, and those of the imports that they do not hold yet. An earlier import is replaced."""
    kept = [c for c in curated.contacts if c.source != SOURCE]
    known = {_identity(c) for c in kept}
    merged = list(kept)
    for contact in (c for imported in imports for c in imported.contacts):
        if _identity(contact) not in known:
            known.add(_identity(contact))
            merged.append(contact)
    return merged


def write(out: Path, contacts: list[Contact], imports: Iterable[Imported]) -> Path:
    """Write a contacts.json, and beside it what was rejected; returns the path of the latter."""
    rejected = out.with_name(f"{out.stem}.rejected.jsonl")
    with files.telling(out, "name another file with --out"):
        files.make_folder(out.parent)
        files.write(rejected, files.to_jsonl(asdict(r) for imported in imports for r in imported.rejected))
        files.write(out, to_json(contacts))
    return rejected


def _identity(contact: Contact) -> tuple[str, ...]:
    value = national(contact.value) if contact.kind == "phone" else contact.value.lower()
    return contact.network or "", (contact.structure or "").casefold(), contact.kind, value


def _outcomes(service: dict[str, Any]) -> Iterator[Contact | Rejected]:
    name = " ".join(str(service.get("nom") or "").split())
    if not name:
        yield Rejected(str(service.get("id") or "?"), "service", None, "no_name")
        return
    codes = [p["type_service_local"] for p in _listed(service.get("pivot")) if _has(p, "type_service_local")]
    code = str(codes[0] if codes else service.get("type_service_local") or "").strip().lower()
    # A national service is a network of its own; null would offer its contacts to every structure.
    network, structure = (NETWORKS.get(code, code), short_name(name)) if code else (name, None)
    changed = _date(service.get("date_modification"))
    personal = _is_somebody(name, code)
    for key, kind, settle in (
        ("telephone", "phone", _phone),
        ("adresse_courriel", "email", partial(_email, service=name)),
        ("site_internet", "domain", partial(_domain, service=name)),
    ):
        for entry in _listed(service.get(key)):
            raw, label = (entry.get("valeur"), entry.get("libelle")) if isinstance(entry, dict) else (entry, None)
            for piece in _pieces(str(raw or ""), kind):
                value, reason = ("", "service_of_a_person") if personal else settle(piece)
                if reason:
                    yield Rejected(
                        "[TIERS]" if personal else name,
                        kind,
                        None if reason in PERSONAL else piece,
                        reason,
                    )
                else:
                    yield Contact(network, structure, kind, value, str(label or "").strip() or name, SOURCE, changed)


def _is_somebody(name: str, code: str) -> bool:
    """Whether a service is called like a person ("Office notarial Jean Dupont"), whose line and mailbox it then is."""
    plain = fold(name)
    if _OFFICE.search(plain) and not _BODY_OF_OFFICES.search(plain):
        return True
    words = re.findall(r"[a-z]+", plain)
    if not any(word in _CIVILITIES or Word.of(word).any_first_name for word in words):  # told fast
        return False
    if any(Word.of(found[1]).first_name for found in _FIRST_AND_INITIAL.finditer(name)):
        return True
    return body_name(name) != clean(name) if code in NETWORKS else names_a_person(name)


_FIRST_AND_INITIAL = re.compile(r"(?<![\w-])([^\W\d_]+(?:-[^\W\d_]+)?) [A-ZÀ-Ý](?![\w'’-])")  # "Nadia B."


def _phone(raw: str) -> tuple[str, str | None]:
    digits = national(raw)
    abroad = bool(re.match(r"\s*\(?(?:\+|00)", raw))
    if abroad and (overseas := _OVERSEAS.fullmatch(digits)):
        digits = f"0{overseas[1]}"
    if re.match(r"0[67]", digits) or (abroad and _PACIFIC_MOBILE.match(digits)):
        return "", "mobile_phone"
    if _SHORT_NUMBER.fullmatch(digits):
        return digits, None
    if _NATIONAL.fullmatch(digits):
        groups = [digits[0], digits[1:4], digits[4:7], digits[7:]] if digits[1] == "8" else re.findall(r"\d\d", digits)
        return " ".join(groups), None
    if abroad and _ABROAD.fullmatch(digits.removeprefix("00")):
        return f"+{digits.removeprefix('00')}", None
    return "", "not_a_phone"


def _email(raw: str, service: str) -> tuple[str, str | None]:
    value = raw.strip().lower().removeprefix("mailto:")
    if not _EMAIL.fullmatch(value):
        return "", "not_an_email"
    local, _, domain = value.partition("@")
    if not _is_of_a_service(local, service) or _bears_a_name(domain, service):
        return "", "mailbox_of_a_person"
    return value, None


def _is_of_a_service(local: str, service: str) -> bool:
    """Whether a mailbox says by its name that it is a service's: a word of services, or only words of its name.

    In doubt it is a person's: such an address is masked wherever it stands, which harms nobody.
    """
    parts = re.findall(r"[a-z]+", fold(local))
    whole = fold(service)
    service = whole if _SERVICE_WORDS.intersection(parts) else _without_people(whole)  # ccas.louis.aragon@
    named = set(re.findall(r"[a-z]+", service))
    strange = [part for part in parts if part not in named and part not in _SERVICE_WORDS]
    if any(_is_name(part) for part in strange) or not parts:
        return False
    if len(strange) < len(parts) or "".join(parts) in re.sub(r"[^a-z]", "", service):
        return True
    return any(part.startswith(word) for part in parts for word in _SERVICE_WORDS if len(word) > 4)  # mairiedelens@


def _is_name(word: str) -> bool:
    """Whether a word may be somebody's first name or surname: on a list, and no everyday word."""
    known = Word.of(word)
    return known.first_name or (len(word) > 2 and known.listed and not known.everyday)


def _bears_a_name(domain: str, service: str) -> bool:
    """Whether a domain is called like a person, whom the service is not called after: "dupont-jean.fr".

    One surname alone says nothing: towns and firms bear surnames.
    """
    named = set(re.findall(r"[a-z]+", fold(service)))
    for label in re.split(r"\.", fold(domain))[:-1]:
        parts = [part for part in re.findall(r"[a-z]+", label) if part not in named]
        if len(parts) > 1 and any(part in FIRST_NAMES for part in parts):
            if not _SERVICE_WORDS.intersection(parts):
                return True
        elif len(parts) == 1 and _is_glued_name(parts[0]):
            return True
    return False


def _is_glued_name(label: str) -> bool:
    """Whether a label is a first name and a surname without a gap, in any order: "dupontjean", "jeandupont"."""
    if Word.of(label).everyday or Word.of(label).listed or len(label) < 8:
        return False
    cuts = ((label[:i], label[i:]) for i in range(3, len(label) - 2))
    known = known_names()
    return any(
        (a in FIRST_NAMES and len(a) > 3 and b in known) or (b in FIRST_NAMES and len(b) > 3 and a in known)
        for a, b in cuts
    )


def _without_people(service: str) -> str:
    """The words of a service's name without first names and what follows them, but those of a town."""
    if re.match(r"mairie|commune|ville\b", service):
        return service
    kept: list[str] = []
    before, skip = "", False
    for word in re.findall(r"[a-z]+", service):
        is_first = word in FIRST_NAMES and before not in ("saint", "sainte", "st", "ste")
        if not (is_first or skip):
            kept.append(word)
        before, skip = word, is_first
    return " ".join(kept)


def _domain(raw: str, service: str) -> tuple[str, str | None]:
    value = host(raw.strip())
    if not _DOMAIN.fullmatch(value):
        return "", "not_a_domain"
    if _bears_a_name(value, service):
        return "", "site_of_a_person"
    return ("", "shared_site") if value in _SUFFIXES or _SHARED_SITES.search(value) else (value, None)


def _pieces(raw: str, kind: str) -> list[str]:
    """A field may hold several values: "01 99 00 10 20 / 01 99 00 10 21"."""
    pattern = {"phone": r"[/;,]|\bou\b|\n", "email": r"[;,\s]", "domain": r"[;\n]"}[kind]
    return [piece.strip() for piece in re.split(pattern, raw) if piece.strip()]


def _date(text: Any) -> str | None:
    """The ISO date of "20/05/2024 08:23:11" or of an ISO timestamp."""
    for pattern in ("%d/%m/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(str(text or "").strip()[:10], pattern).date().isoformat()  # noqa: DTZ007 - a date
        except ValueError:
            continue
    return None


def _has(entry: Any, key: str) -> bool:
    return isinstance(entry, dict) and bool(entry.get(key))


def _listed(value: Any) -> list[Any]:
    """A field as a list: it may be a list, one object, a text, or any of them as JSON in a text."""
    if isinstance(value, str) and value.strip()[:1] in ("[", "{"):
        try:
            value = json.loads(value)
        except ValueError:
            return [value]
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _services(path: Path) -> Iterator[dict[str, Any]]:
    """Read the services one by one; what is broken, or no object, is left out."""
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        for record in read_records(path):
            if record.fields is not None:
                yield {name.lower(): value for name, value in record.fields.items()}
    except InputError as error:
        detail = str(error).removeprefix(str(path)).lstrip(":, ").split(";")[0]
        raise InputError(f"{path}: is no directory of public services ({detail}); download its JSON or CSV") from None
