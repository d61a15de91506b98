"""The body of a reply: without the editor's tags, lost breaks and dead links, and without its closing."""

import re

from plume.export.cleaning import clean
from plume.french.closings import BODY_OR_ROLE, TEAM, closings
from plume.french.phrases import WRITTEN_CIVILITIES
from plume.french.text import fold
from plume.french.words import Word

# The editor loses the break between two paragraphs: "Bonjour,Nous", "possible.Nous", "impots.gouv.frSi".
_CAPITAL = "[A-ZÀÂÇÉÈÊËÎÏÔÖÙÛÜŒ]"
_CIVILITY = rf"{WRITTEN_CIVILITIES}(?!\w)"
_LOST_AFTER_GREETING = re.compile(
    rf"^(Bonjour|Bonsoir|Madame|Monsieur|Ch[eè]re?)\b([^,\n]{{0,40}}?(?:, ?{_CIVILITY}[^,\n]{{0,40}}?){{0,2}}) ?,"
    rf"(?! ?{_CIVILITY})(?:(?=\S)| (?={_CAPITAL}[a-zà-ÿ'’ ]))"
)
_MAY_RUN_ON = re.compile(rf"[a-z/.…!?](?={_CAPITAL})")
# A capital must begin a word of French, so that acronyms and addresses ("S.N.C.F", "www.Ameli.fr") stay as they are.
_LOST_AFTER_SENTENCE = re.compile(
    rf"(?<=[a-zà-ÿ0-9)»]{{2}})((?:[.…]| ?[!?])+)"
    rf"(?={_CAPITAL}(?:[a-zà-ÿ]{{1,30}}(?=[ ,'’\n]|-(?:vous|nous|moi|le|la|les|en|y)\b|$)|['’]|\s))"
)
# Addresses run on into the next sentence; only words that open sentences are cut off, for paths may hold capitals.
_LOST_AFTER_ADDRESS = re.compile(
    r"((?:https?://|www\.)\S{0,300}[a-z/]|(?<![\w.@-])[\w.@-]+\.(?:fr|com|org|eu))"
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

# For folded text. After words that close, the line ends or a name follows; a sentence of greetings closes by itself.
_FORMULA = (
    rf"(?:{closings('words')}(?: ?(?:[,.!]|\n|$)| (?=\w))"
    rf"|{closings('alone')}(?: ?[,.!]* ?(?:\n|$)|,? (?=\w))|{closings('sentences')})"
)
# "Restant à votre disposition, nous vous prions…", "Dans l'attente de vous lire, cordialement."
_LED_IN = r"(?:(?:restant|demeurant|dans l'attente|en vous|en esperant|avec tous)\b[^.\n]{3,110}?, ?)?"
_WISH = (
    r"(?:tres |une )?(?:bonne|belle|excellente) (?:journee|soiree|apres-midi|semaine|continuation|fin de journee)"
    r"(?: a (?:vous|tous))? ?[.,!]*$"
)
_CLOSING = re.compile(rf"{_LED_IN}{_FORMULA}|{_WISH}")
_INLINE_CLOSING = re.compile(_FORMULA)  # "Bonne journée." may end the last paragraph
_NEXT_SENTENCE = re.compile(r" (?<=[.!?] )")
_SIGNATURE = re.compile(f"{TEAM}|{BODY_OR_ROLE}")
_ROLE = (
    r"(?:[Vv]otre )?(?:[Cc]onseill|[Aa]gent|[Cc]harg|[Rr]esponsable|[Gg]estionnaire|[Tt]echnicien|[Dd]irect|[Mm]édiat)"
)
_NAMED = re.compile(
    rf"({_CAPITAL}[a-zà-ÿ]+(?:-{_CAPITAL}[a-zà-ÿ]+)?)(?: {_CAPITAL}[\w'’-]*\.?){{0,2}}(?:, {_ROLE}.*)?$"
)
_LINE_WORDS, _CLOSING_LINES, _BLOCK_LINES = 14, 5, 12  # longer than this, what follows a formula is substance
_BLOCK_WORDS = 9  # of a line of an address

# The editor's own tags; what else stands in angle brackets is text ("3 < 4").
_TAG = re.compile(
    r"<(/?)(p|br|div|span|b|i|u|em|strong|a|ul|ol|li|font|h[1-6]|table|tbody|thead|tr|td|th|blockquote|sup|sub|hr)"
    r"\b([^<>]*)>",
    re.IGNORECASE,
)
_LINK = re.compile(r"<a\b[^<>]*?\bhref\s*=\s*[\"']?(https?:[^\"'\s<>]+)[^<>]*>(.*?)</a\s*>", re.IGNORECASE | re.DOTALL)
_BREAKS = frozenset(
    ["p", "br", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "table", "blockquote", "hr"]
)


def clean_reply(text: str | None) -> tuple[str, str]:
    """The body of a reply and its closing (formula and signature, which the platform adds by itself; "" if none)."""
    cleaned = clean(text)
    body = given = clean(_without_tags(cleaned)) if "<" in cleaned else cleaned
    # Each of these asks first for what it cannot do without: most replies need none of them.
    if greeting := _LOST_AFTER_GREETING.match(body):
        body = f"{greeting[1]}{greeting[2]},\n\n{body[greeting.end() :]}"
    if _MAY_RUN_ON.search(body):
        body = _LOST_AFTER_ADDRESS.sub(r"\1 ", body)
        body = _LOST_AFTER_SENTENCE.sub(r"\1 ", body)
    if ";" in body:
        body = _LOST_IN_LIST.sub(" ", body)
    if "cliquant" in body.lower():
        body = _DEAD_LINK.sub("", body)
    return _split_closing(body if body is given else clean(body))


def _without_tags(text: str) -> str:
    """Text without the editor's HTML: paragraphs and items on lines of their own, a link's address after its label."""
    text = _LINK.sub(lambda m: m[2] if m[1] in m[2] else f"{m[2]} ({m[1]})", text)
    return _TAG.sub(_break, text)


def _break(tag: re.Match) -> str:
    name = tag[2].lower()
    if name not in _BREAKS:
        return ""
    return "\n\n" if name == "p" and tag[1] else "\n- " if name == "li" and not tag[1] else "\n"


def _split_closing(body: str) -> tuple[str, str]:
    """A closing is a formula with what follows it, or a signature alone, in the last lines and after some substance."""
    if last := [match.end() for match in _NEXT_SENTENCE.finditer(body) if _closes(body, match.end(), _INLINE_CLOSING)]:
        at = last[-1]
        if _is_closing(body[at:].strip().split("\n")):
            return body[:at].strip(), body[at:].strip()
    lines = body.split("\n")
    for i in range(1, len(lines)):
        if _is_closing(lines[i:]) or (_ends_a_sentence(lines[:i]) and _is_signature(lines[i:])):
            return "\n".join(lines[:i]).strip(), "\n".join(lines[i:]).strip()
    return body, ""


def _closes(text: str, at: int = 0, closing: re.Pattern[str] = _CLOSING) -> bool:
    """Say whether a closing stands at a place; a word after it must be a name, with its capital."""
    match = closing.match(fold(text), at)
    return match is not None and not (match[0][-1] == " " and text[match.end() :][:1].islower())


def _is_closing(lines: list[str]) -> bool:
    first, *rest = [line for line in lines if line] or [""]
    if not lines[0] or not _closes(first):
        return False
    if len(rest) <= _CLOSING_LINES:
        return all(len(line.split()) <= _LINE_WORDS for line in rest)
    return len(rest) <= _BLOCK_LINES and all(_is_of_a_block(line) for line in rest)  # name, office, address, hours


def _is_of_a_block(line: str) -> bool:
    return len(line.split()) <= _BLOCK_WORDS and line[-1] not in ".!?:;"


def _is_signature(lines: list[str]) -> bool:
    """A signature without a formula; it must not be taken for a sentence, "L'équipe vous remercie.", nor for a list."""
    first, *rest = [line for line in lines if line] or [""]
    if not lines[0] or len(rest) >= _CLOSING_LINES or len(first.split()) > _LINE_WORDS:
        return False
    if any(not _is_of_a_block(line) for line in rest) or first[-1] in "!?:;":
        return False
    named = _NAMED.match(first)
    if named and Word.of(named[1]).first_name:
        return True
    return bool(_SIGNATURE.match(fold(first))) and first[-1] != "."


def _ends_a_sentence(lines: list[str]) -> bool:
    """Whether the last line that holds something is whole: after a colon or within a list, lines are substance."""
    last = next((line for line in reversed(lines) if line), "")
    if last.startswith(("-", "•", "*")):
        return False
    return last[-1:] in tuple(".!?…)»”") or (not lines[-1] and last[-1:] not in tuple(":;,"))
