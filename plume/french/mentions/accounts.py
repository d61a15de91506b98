"""Finds numbers of bank accounts: IBAN of any country, French RIB, however they are spaced. Pure."""

import re

from plume.french.phrases import ANY_SIGN, SIGN
from plume.french.rules import Place, Rule, Text, table

_S = rf"{ANY_SIGN}{{0,3}}"
_GROUP = rf"(?: |{SIGN}{{1,2}})?(?=[a-z]{{0,3}}[\dx*])[a-z\d*]"  # some of it may be crossed out: "XXXX"


def _has_few_digits(match: re.Match[str], _: Text) -> bool:
    return sum(c.isdigit() or c == "x" for c in match[0]) < 10 or match[0].isalpha()


def _from_its_letters(match: re.Match[str], _: Text) -> Place:
    """Give the place of an IBAN, which is looked for from its digits on: they are rarer than letters."""
    return match.start() - (3 if match.string[match.start() - 1] == " " else 2), match.end()


def _account(name: str, pattern: str, *examples: str, **more: object) -> Rule:
    return Rule(
        f"account.{name}",
        pattern,
        kind="account",
        digit=True,
        reads="with_zeros",
        unless=_has_few_digits,
        examples=examples,
        **more,
    )


ACCOUNTS = table(
    _account(
        "iban",
        rf"\d(?:(?<=(?<!\w)[a-z]{{2}}\d)|(?<=(?<!\w)fr \d))\d(?:{_GROUP}{{4}}){{2,7}}(?:{_GROUP}{{1,4}})?(?!\w)",
        *("IBAN ‹DE89 3704 0044 0532 0130 00›", "le 12 mars"),
        at_digits=True,
        shape=_from_its_letters,
    ),
    _account(
        "iban-french",  # however it is spaced: a French IBAN has 27 signs
        r"f(?<!\wf)(?: ?r ?(?:[ .\-]{0,2}\d){2}(?:[ .\-]{0,2}[a-z\d*]){23}(?!\w)"
        rf"|{_S}r(?:{_S}\d){{12}}(?:{_S}[a-z\d]){{11}}(?:{_S}\d){{2}}(?!\w))",
        *("‹FR 76.3000.6000.0112.3456.7890.189›", "FR 76"),
    ),
    _account(
        "rib",  # the RIB in an IBAN has 23 signs
        rf"(?<!\w)\d{{5}}{_S}\d{{5}}{_S}(?=(?:[a-z]*\d){{7}})[a-z\d]{{11}}{_S}\d{{2}}(?!\w)",
        *("‹30006 00001 12345678901 89›", "30006 00001"),
        at_digits=True,
    ),
)
