"""Finds promises and decisions on a file: the platform collects reviews, and who answers there has not seen the file.

Promised, told or claimed in any person, tense or voice: "nous traiterons", "sera traité", "est en attente", "a été
transmis". No promise is: general effort ("nous mettons tout en œuvre"); a rule for everybody ("si la pièce manque, elle
sera demandée"); what a service can do ("un conseiller pourra vous rappeler"); what the citizen told; words that are
passed on to a team. That they were passed on already is a claim.
"""

import re

from plume.checks.case import RULES, VOCABULARY, Answer, Case, Fault, none_of
from plume.checks.form import SOMEBODY
from plume.french.numbers import number_words
from plume.french.rules import Found, in_turn, read_tables
from plume.french.text import fold, words
from plume.french.verbs import futures, infinitives, participles
from plume.french.vocabulary import any_of, terms

TABLES = read_tables(
    RULES / "promises.toml",
    INFINITIVE=infinitives("file"),  # what can be done to a file
    STEM=futures("file"),
    DONE=rf"(?:{participles('file', 'done')}|pris(?! en note| note)e?s?|mise?s? à(?! rude))\b",
    TELL=futures("citizen", "citizen-future"),  # what a service may promise to do with the citizen
    TELL_INFINITIVE=infinitives("citizen"),
    TOLD=rf"(?:{participles('told')}|prioritaires?|reçue?s? (?:par|en|dans|sous))\b",
    SOMEBODY=SOMEBODY,
    NUMBERS=any_of(number_words(1, 30)),
    NOUN=rf"(?:{any_of(terms('file_nouns', VOCABULARY))}s?)\b",
)

# Said before a foretold passage or a state, these make it a rule for everybody, or a question.
_CASE = re.compile(
    r"\b(?:si|lorsque|quand|une fois (?:que|la|le|les|votre|vos|ce|cette)|dès que|tant que|en cas|sous réserve"
    r"|à condition|pour que|afin que|avant que|vérifi(?:er|ez)|contrôle[rz]|assurez-vous|savoir|voir|consulter"
    r"|connaître|qui|dont|où|comment|pourquoi|généralement|en général|en principe)\b(?! possible)"
    r"|\bs'ils?\b|\blorsqu'|\bqu(?:and|'une fois)\b"
)
_IF = re.compile(
    r"\b(?:si (?:vous|elle|il|la|le|votre)|lorsque|quand|une fois)\b|\blorsqu'|\bs'ils?\b|\bsous réserve|\bà condition"
)
_WITHIN = re.compile(r"\b(?:qui|dont|où|quand|lorsqu\w*)\b")
# And these make it what the citizen told, unless the service asserts it.
_TOLD_BY = re.compile(
    r"\b(?:compren\w+|indiqu\w+|regrett\w+|li(?:re|sons|s)|appren\w+|dites|écrivez|signal\w+|expliqu\w+|décri\w+"
    r"|déplor\w+|raconte\w*|constat\w+|précise\w*|désolée?s?|navrée?s?|content\w*|heureu\w+|rav\w+|espér\w+"
    r"|souhait\w+) [^.!?;]{0,200}\b(?:que|qu')"
    r"|\balors (?:même )?qu(?:e\b|')"
    r"|\bcomme [^.!?;]{0,200}\b(?:vous l'(?:a|ont|avez)|vous le (?:dites|décrivez|rappelez|signalez)) ?\w*,"
)
_ASSERTS = re.compile(
    r"\b(?:confirm\w+|inform\w+|assur\w+|sachez|soyez|rassur\w+|garanti\w+|noter?z?)\b[^.!?;]{0,200}\bqu(?:e\b|')"
)
_NEGATED = re.compile(r"\b(?:ne|ni|sans|aucune?)\b|\bn'")
_KEPT_NEGATION = re.compile(r"\bne manquer|\b(?:ne |n')(?:comporte|présente|contient|fait apparaître)")
_SHARED = re.compile(r"\bpartagée?s? par\b")
_MESSAGE = re.compile(
    r"\b(?:votre|vos|ce|ces|cette|leur|vous lire)\b(?: \w+)? ?(?:témoignages?|avis|retours?|remarques?|messages?"
    r"|félicitations|remerciements|suggestions?|compliments?|expériences?|observations?|mots|bons mots"
    r"|encouragements|gentillesse|confiance|récit|idées?)\b"
    r"|(?<=[a-z] )(?:nos services|nos efforts|à (?:améliorer|progresser)|l'accueil de tous|notre (?:travail|service"
    r"|accueil|organisation))\b"
)
# To read, to receive, to take note of a message is no action.
_READ = re.compile(r"\b(?:bien reçu|reçu votre|lu |noté|pris (?:bonne |bien )?(?:note|connaissance)|compris|entendu)")
_PASSED_ON = re.compile(
    r"\b(?:pris\w* en compte|transmis|relayé|remonté|partagé|communiqué|adressé|remis|porté|remonter|part\b)"
)
_HAS_DONE = re.compile(
    r"\b(?:(?:a|ont) (?:\w+ )?été|sera|seront|vont être|va être|nous (?:l')?avons|j'ai|je l'ai|équipes? a)\b"
)
_STUDIES = re.compile(r"\b(?:étudi|examin|analys)(?:er|é)(?:ons|ai|a|ont|e?s?)\b")


def promises(case: Case) -> Answer:
    """Find what commits the service on a file, tells its state, or claims that something was done for it."""
    faults = []
    tables = [case.text.tried(rules) for rules in TABLES.values()]
    for text in case.texts:
        for rules in tables:
            faults += [
                Fault(text.written[found.start : found.end], found.rule.name)
                for found in in_turn(text, rules)
                if _counts(case, text.lower, found)
            ]
    return none_of(faults, "promesse ou décision sur un dossier")


def _counts(case: Case, sentence: str, found: Found) -> bool:
    """Say whether a passage is a promise indeed: not denied, about more than the message, for no case, not told."""
    said, before = found.match.group(), sentence[: found.start]
    if _NEGATED.search(said) and not _KEPT_NEGATION.search(said):
        return False
    if _MESSAGE.search(said) and not _is_claim(said):
        return False
    if _SHARED.match(sentence, max(0, found.end - len(said.split()[-1]))):
        return False
    if found.rule.kind == "said":
        return not _READ.search(said)
    told = _CASE.search(before) or _TOLD_BY.search(before) or _WITHIN.search(said) or _IF.search(sentence, found.start)
    if told and not _ASSERTS.search(before):
        return False
    return found.rule.kind != "state" or not _was_told(case, said)


def _is_claim(said: str) -> bool:
    """Say whether words were or will be passed on: "vos remerciements ont été transmis", "nous avons relayé …"."""
    return bool(_STUDIES.search(said) or (_HAS_DONE.search(said) and _PASSED_ON.search(said)))


def _was_told(case: Case, said: str) -> bool:
    """Say whether the review or the prompt holds the last word of a statement, whatever its ending."""
    last = fold(words(said)[-1])
    return len(last) > 3 and re.search(rf"\b{re.escape(last[: max(4, len(last) - 2)])}", fold(case.given)) is not None
