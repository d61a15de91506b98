"""Cleaning that changes no meaning: entities, no-break spaces, line ends, lost breaks, dead link labels, signatures."""

import html
import re

_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|[a-z][a-z0-9]+);", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\f\v\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufeff]")
# "Bonjour,Nous" and "possible.Nous": the editor lost the break between two paragraphs. A capital must be followed by a
# lower-case letter or an apostrophe, so that acronyms and web addresses ("S.N.C.F", "www.Ameli.fr") stay as they are.
_LOST_AFTER_GREETING = re.compile(r"^(Bonjour|Bonsoir|Madame|Monsieur)([^,\n]{0,40}),[ ]?(?=[A-ZÀÉÈÊÎÔÛÇ][a-zà-ÿ'’ ])")
_LOST_AFTER_SENTENCE = re.compile(
    r"(?<=[a-zà-ÿ0-9)»]{2})([.!?…]+)(?=[A-ZÀÉÈÊÎÔÛÇ](?:[a-zà-ÿ]{1,30}(?=[ ,'’])|['’]|\s))"
)
# The export drops links: "en cliquant ICI" leads nowhere.
_DEAD_LINK = re.compile(r",?\s*(?:en\s+)?cliquant\s+(?:sur\s+)?\bici\b", re.IGNORECASE)

_CLOSING = re.compile(
    r"^(?:bien\s+)?(?:cordialement|respectueusement|sincèrement)\b"
    r"|^(?:nous vous prions|je vous prie|veuillez)\b.{0,60}\b(?:agréer|croire|recevoir|accepter)\b"
    r"|^(?:recevez|agréez)\b.{0,60}\b(?:salutations|considération|sentiments)\b"
    r"|^(?:l['’]équipe|le service|la direction|votre (?:caisse|conseiller\S*|agence))\b.{0,60}$",
    re.IGNORECASE,
)
_INLINE_CLOSING = re.compile(r"(?<=[.!?])\s+((?:bien\s+)?cordialement\b.{0,80})$", re.IGNORECASE | re.DOTALL)


def clean(text: str | None) -> str:
    """Text with entities decoded, blanks and line ends made plain. Idempotent; words are never changed."""
    text = text or ""
    for _ in range(3):  # "&amp;nbsp;" is met: entities encoded twice
        if not _ENTITY.search(text):
            break
        text = html.unescape(text)
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n"))
    lines = [_BLANKS.sub(" ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def clean_reply(text: str | None) -> tuple[str, str]:
    """The body of a reply and its closing (formula and signature, which the platform adds by itself; "" if none)."""
    body = clean(text)
    body = _LOST_AFTER_GREETING.sub(r"\1\2,\n\n", body)
    body = _LOST_AFTER_SENTENCE.sub(r"\1 ", body)
    body = _DEAD_LINK.sub("", body)
    return _split_closing(clean(body))


def _split_closing(body: str) -> tuple[str, str]:
    lines = body.split("\n")
    filled = [i for i, line in enumerate(lines) if line]
    # A closing stands in the last lines, after at least one line of substance.
    for i in filled[1:][-5:]:
        if _CLOSING.search(lines[i]) and (len(lines[i].split()) <= 30):
            return "\n".join(lines[:i]).strip(), "\n".join(lines[i:]).strip()
    if match := _INLINE_CLOSING.search(body):
        return body[: match.start()].strip(), match[1].strip()
    return body, ""
