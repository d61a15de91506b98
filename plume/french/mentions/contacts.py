"""Finds how somebody can be reached: phone numbers, e-mail and web addresses, handles. Pure.

for one in contacts(Text("Appelez le 3646 ou écrivez à contact (at) exemple.fr")):
    print(one.kind, one.value)  # email contact@exemple.fr, phone 3646
"""

import re

from plume.french.mentions import Mention
from plume.french.mentions.accounts import ACCOUNTS
from plume.french.mentions.phones import PARTIAL, SHORT, WHOLE
from plume.french.mentions.web import EMAILS, HANDLES, URLS, address, mailbox
from plume.french.rules import Found, Rule, Text, in_turn, reading

_VALUES = {"email": mailbox, "url": address, "handle": str.lower, "phone": str}
# What one finds is blanked out for the next: the digits of an account are no phone, nor is a mailbox's host a site.
_ORDER: tuple[tuple[Rule, ...], ...] = (
    *(ACCOUNTS, EMAILS, URLS, HANDLES),
    *((rule,) for rule in (*WHOLE, *PARTIAL)),
    SHORT,
)
_ALL = tuple(rule for rules in _ORDER for rule in rules)
_LONGER = re.compile(r"\d[ .\-]?$")


def contacts(text: Text) -> tuple[Mention, ...]:
    """List the contacts of a text, each once.

    The value is the mailbox, the address without scheme and "www.", the handle in lower case, or the phone as written.
    """
    return text.once(_read)[0]


def without_contacts(text: Text) -> Text:
    """Give the text with contacts and accounts blanked out: their digits are no amount and no date."""
    return text.once(_read)[1]


def _read(text: Text) -> tuple[tuple[Mention, ...], Text]:
    found: list[Found] = []
    left = text
    tried = frozenset(text.tried(_ALL))
    for rules in _ORDER if tried else ():
        if tried.isdisjoint(rules):
            continue
        its = [*in_turn(left, rules)]
        left = left.blanked((one.start, one.end) for one in its)
        found += its
    mentions = [
        Mention(
            one.rule.kind, one.start, one.end, _VALUES[one.rule.kind](text.written[one.start : one.end]), one.rule.name
        )
        for one in found
        if one.rule.kind in _VALUES
    ]
    return tuple(mentions), left


def is_doubtful(one: Mention, text: Text) -> bool:
    """Say whether a phone number may be part of a longer number, or a mailbox has no domain: "M@rel"."""
    if one.kind == "email":
        return "." not in one.value.partition("@")[2]
    return one.kind == "phone" and _LONGER.search(text.folded, max(0, one.start - 2), one.start) is not None


def rest(text: str) -> Text:
    """`without_contacts` of a text as written."""
    return without_contacts(reading(text))
