"""Cleaning that changes no meaning: decoding, entities, blanks, line ends, lost breaks, dead links, signatures."""

import html
import re
from html.entities import html5

from ftfy import fix_encoding

_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|([A-Za-z][A-Za-z0-9]+));")
_BLANKS = re.compile(r"[ \t\f\v\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\u00ad\u200b-\u200f\u2060\ufeff]")
_LINE_END = re.compile(r"\r\n|[\r\x85\u2028\u2029]")

# How the first byte of a letter beyond ASCII, and the second, look when UTF-8 was read as Windows-1252 or Latin-1. The
# repair is ftfy's; it is asked only where this is met, for it reads the whole text.
_MOJIBAKE = re.compile(r"[ÂÃÅâÄËÐðï][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|Ã ")

# The editor loses the break between two paragraphs: "Bonjour,Nous", "possible.Nous", "impots.gouv.frSi".
_CAPITAL = "[A-ZÀÂÇÉÈÊËÎÏÔÖÙÛÜŒ]"
_CIVILITY = r"(?:Mesdames|Messieurs|Madame|Monsieur|Mademoiselle|Mme|M\.)(?!\w)"
_LOST_AFTER_GREETING = re.compile(
    rf"^(Bonjour|Bonsoir|Madame|Monsieur|Ch[eè]re?)\b([^,\n]{{0,40}}?(?:, ?{_CIVILITY}[^,\n]{{0,40}}?){{0,2}}) ?,"
    rf"(?! ?{_CIVILITY})(?:(?=\S)| (?={_CAPITAL}[a-zà-ÿ'’ ]))"
)
# A capital must begin a word of French, so that acronyms and addresses ("S.N.C.F", "www.Ameli.fr") stay as they are.
_LOST_AFTER_SENTENCE = re.compile(
    rf"(?<=[a-zà-ÿ0-9)»]{{2}})((?:[.…]| ?[!?])+)"
    rf"(?={_CAPITAL}(?:[a-zà-ÿ]{{1,30}}(?=[ ,'’\n]|-(?:vous|nous|moi|le|la|les|en|y)\b|$)|['’]|\s))"
)
# Addresses run on into the next sentence; only words that open sentences are cut off, for paths may hold capitals.
_LOST_AFTER_ADDRESS = re.compile(
    r"((?:https?://|www\.)\S*[a-z/]|\b[\w.@-]+\.(?:fr|com|org|eu))"
    r"(?=(?:Nous|Vous|Votre|Vos|Notre|Nos|Pour|Si|Le|La|Les|Il|Elle|En|Merci|Une?|Afin|Dans|Cette|Ce|Cordialement)\b"
    r"(?![./-]))"
)
_LOST_IN_LIST = re.compile(r"(?<=\s;)(?=[\w(«])")
# The export drops links: "en cliquant ICI" leads nowhere, unless the address follows. What would leave a sentence
# without its beginning or an alternative without its branch stays.
_DEAD_LINK = re.compile(
    r"(?<=[\w)»\"’])(?<!\bsoit)(?<!\bou)(?<!\bet),?[ \n]+en[ \n]+cliquant[ \n]+(?:sur[ \n]+)?ici\b"
    r"(?!\W{0,4}(?:https?:|www\.|[\w-]+\.(?:fr|com)\b))",
    re.IGNORECASE,
)

_FORMULA = (
    r"(?i:(?:bien |très |plus )?(?:cordialement|respectueusement|sincèrement)(?: à vous| vôtre)?|bien à vous"
    r"|(?:avec )?(?:nos |mes )?(?:meilleures |sincères |cordiales )?salutations(?: distinguées| les meilleures)?"
    rf")(?: ?(?:[,.!]|\n|$)| (?={_CAPITAL}))"
    # "Nous vous prions d'accepter nos excuses" is no closing: what is to be accepted tells.
    r"|(?i:(?:(?:nous|je) vous pri(?:ons|e)|veuillez|recevez|agréez)\b[^.\n]{0,120}"
    r"\b(?:salutations|considération|sentiments|respects)\b)"
)
_CLOSING = re.compile(_FORMULA)
_INLINE_CLOSING = re.compile(rf"(?<=[.!?]) (?={_FORMULA})")
_SIGNATURE = re.compile(
    r"(?:L['’][Éé]quipe|Le service|La direction|Le directeur|La directrice|Votre (?:caisse|conseill[eè]re?|agence))\b"
)
_LINE_WORDS, _CLOSING_LINES = 14, 5  # longer than this, what follows a formula is substance


def clean(text: str | None) -> str:
    """Text with entities decoded, blanks and line ends made plain. Idempotent; words are never changed."""
    text = repair(text or "")
    while (decoded := repair(_ENTITY.sub(_decode, text))) != text:  # "&amp;nbsp;" is met: entities encoded twice
        text = decoded
    text = _INVISIBLE.sub("", _LINE_END.sub("\n", text))
    lines = [_BLANKS.sub(" ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def repair(text: str) -> str:
    """Text that was decoded wrongly once or twice, "trÃ¨s" -> "très"; any other is given back as it is."""
    for _ in range(4):  # deeper was never met
        if not _MOJIBAKE.search(text) or (repaired := fix_encoding(text)) == text:
            break
        text = repaired
    return text


def _decode(entity: re.Match) -> str:
    # Only whole entities that exist: html.unescape would also read "&not" in an address that holds "&notice=1".
    return html5.get(f"{entity[1]};", entity[0]) if entity[1] else html.unescape(entity[0])


def clean_reply(text: str | None) -> tuple[str, str]:
    """The body of a reply and its closing (formula and signature, which the platform adds by itself; "" if none)."""
    body = clean(text)
    body = _LOST_AFTER_GREETING.sub(r"\1\2,\n\n", body)
    body = _LOST_AFTER_ADDRESS.sub(r"\1 ", body)
    body = _LOST_AFTER_SENTENCE.sub(r"\1 ", body)
    body = _LOST_IN_LIST.sub(" ", body)
    body = _DEAD_LINK.sub("", body)
    return _split_closing(clean(body))


def _split_closing(body: str) -> tuple[str, str]:
    """A closing is a formula with what follows it, or a signature alone, in the last lines and after some substance."""
    if last := list(_INLINE_CLOSING.finditer(body)):
        at = last[-1].start()
        if _is_closing(body[at:].strip().split("\n")):
            return body[:at].strip(), body[at:].strip()
    lines = body.split("\n")
    for i in range(1, len(lines)):
        if _is_closing(lines[i:]):
            return "\n".join(lines[:i]).strip(), "\n".join(lines[i:]).strip()
    return body, ""


def _is_closing(lines: list[str]) -> bool:
    first, *rest = [line for line in lines if line] or [""]
    if not lines[0] or len(rest) >= _CLOSING_LINES or any(len(line.split()) > _LINE_WORDS for line in rest):
        return False
    if _CLOSING.match(first):
        return True
    # A signature without a formula must not be taken for a sentence: "L'équipe vous remercie."
    signed = len(first.split()) <= _LINE_WORDS and not any(line[-1] in ".!?:" for line in (first, *rest))
    return bool(_SIGNATURE.match(first)) and signed
