"""Finds promises and decisions on a file: the platform collects reviews, and who answers there has not seen the file.

Promised, told or claimed in any person, tense or voice: "nous traiterons", "sera traité", "est en attente", "a été
transmis". Whatever is done counts (rules/promises.toml); what is harmless is listed, as there is less of it. No promise
is: to read, regret, invite, wish; general effort ("nous mettons tout en œuvre"); a rule for everybody ("si la pièce
manque, elle sera demandée"); what a service can do ("un conseiller pourra vous rappeler"); what the citizen told; words
that are passed on to a team. That they were passed on already is a claim.
"""

import re
from collections.abc import Iterable

from plume.checks import weighing
from plume.checks.case import RULES, VOCABULARY, Answer, Case, Fault, none_of
from plume.checks.form import SOMEBODY
from plume.checks.rule_told import is_rule_told
from plume.french.numbers import number_words
from plume.french.rules import Found, find, read_tables
from plume.french.text import fold, lower, words
from plume.french.verbs import PARTICIPLE, futures, infinitives, participles, presents
from plume.french.vocabulary import any_of, terms

_PROMISES = read_tables(
    RULES / "promises.toml",
    PARTICIPLE=PARTICIPLE,
    INFINITIVE=infinitives("file"),  # what can be done to a file
    STEM=futures("file"),
    DONE=rf"(?:{participles('file', 'done')}|pris(?! en note| note)e?s?|mise?s? à(?! rude))\b",
    TELL=futures("citizen", "citizen-future", "grant"),  # what a service may promise to do with the citizen
    TELL_INFINITIVE=infinitives("citizen"),
    TOLD=rf"(?:{participles('told')}|prioritaires?|reçue?s? (?:par|en|dans|sous))\b",
    SOMEBODY=SOMEBODY,
    DECIDED=any_of(terms("decided_nouns", VOCABULARY)),
    NUMBERS=any_of(number_words(1, 30)),
    NOUN=rf"(?:{any_of(terms('file_nouns', VOCABULARY))}s?)\b",
)

_DECIDERS = terms("deciders", VOCABULARY)


def _names(deciders: Iterable[str]) -> frozenset[str]:
    """Give the first words of deciders, in the singular and the plural, as hints."""
    firsts = {re.findall(r"[a-z]+", fold(name))[0] for name in deciders} - {"sous"}
    return frozenset(firsts | {word + "s" for word in firsts} | {"tribunaux", "travail", "emploi"})


_DECISIONS = read_tables(
    RULES / "decisions.toml",
    {"deciders": _names(_DECIDERS)},
    WE_DECIDE=presents("nous", "decide"),
    I_DECIDE=presents("je", "decide"),
    IT_DECIDES=presents("il", "decide"),
    THEY_DECIDE=presents("ils", "decide"),
    WE_GRANT=presents("nous", "grant"),
    I_GRANT=presents("je", "grant"),
    IT_GRANTS=presents("il", "grant"),
    THEY_GRANT=presents("ils", "grant"),
    TO_GRANT=infinitives("grant"),
    TO_DECIDE=infinitives("decide"),
    DONE=rf"(?:{participles('decide')})\b",
    GRANTED=rf"(?:{participles('grant')})\b",
    NUMBERS=any_of(number_words(1, 30)),
    DECIDED=any_of((*terms("file_nouns", VOCABULARY), *terms("decided_nouns", VOCABULARY))),
    DECIDERS=any_of(_DECIDERS),
)
# Of 220 drafts and 600 sound replies whose sentences were left out of the weights: P 14/17, R 14/18; 4 of 600.
_LIGHT, _HEAVY = -1.0, 2.0
# What a sheet may say too, where it is cited: "un SMS partira [1]".
_MAY_BE_RULES = frozenset(
    f"promise.{name}" for name in ("will", "will-be-done", "weighed", "you-shall", "you-will-get")
)
TABLES = [_PROMISES[kind] + _DECISIONS.get(kind, ()) for kind in _PROMISES]

# Said before a foretold passage or a state, these make it a rule for everybody, or a question.
_CASE = re.compile(
    r"\b(?:si|lorsque|quand|une fois (?:que|la|le|les|votre|vos|ce|cette)|dès (?:lors )?que|faute de quoi"
    r"|sans quoi|sinon|tant que|en cas|sous réserve"
    r"|c'est (?:par|pour|ainsi|pourquoi|à|avec|dans|sur)|à condition|pour que|afin que|avant que|vérifi(?:er"
    r"|ez)|contrôle[rz]|assurez-vous|savoir|voir|consulter"
    r"|connaître|(?:les|des)?quel(?:le)?s?|qui|dont|où|comment|pourquoi|généralement|en général"
    r"|en principe)\b(?! possible)"
    r"|\bs'ils?\b|\blorsqu'|\bqu(?:and|'une fois)\b"
)
_IF = re.compile(
    r"\b(?:si (?:vous|elle|il|la|le|les|l'|une?|votre|vos|ce|cette)|dès que|tant que|lorsque|quand"
    r"|(?<!en )une fois)\b|\blorsqu'|\bs'ils?\b|\bsous réserve|\bà condition"
)
_CLAUSE = re.compile(r"(?:^|[:;])[^:;]*$")  # the last, which a condition of another does not bind
_WITHIN = re.compile(r"\b(?:qui|dont|où|quand|lorsqu\w*)\b")
# And these make it what the citizen told, unless the service asserts it.
_TOLD_BY = re.compile(
    r"\b(?:compren\w+|indiqu\w+|regrett\w+|li(?:re|sons|s)|appren\w+|dites|écrivez|signal\w+|expliqu\w+"
    r"|décri\w+|précis\w+|mentionn\w+"
    r"|déplor\w+|raconte\w*|constat\w+|précise\w*|désolée?s?|navrée?s?|content\w*|heureu\w+|rav\w+|espér\w+"
    r"|souhait\w+) [^.!?;]{0,200}\b(?:que|qu')"
    r"|\b(?:prouve|atteste|signifie|montre|justifie|établi\w*)(?:nt)? (?:bien )?qu(?:e\b|')"
    r"|\balors (?:même )?qu(?:e\b|')"
    r"|\bvous (?:nous |vous |l'|en )?(?!(?:pouvez|devez|savez|verrez)\b)\w{2,}ez\b[^.!?;]{0,80}\b(?:que|qu')"
    r"|\bparce qu(?:e\b|')"
    r"|\bcomme [^.!?;]{0,200}\b(?:vous l'(?:a|ont|avez)|vous le (?:dites|décrivez|rappelez|signalez)) ?\w*,"
)
_ASSERTS = re.compile(
    r"\b(?:confirm\w+|inform\w+|assur\w+|sachez|soyez|rassur\w+|garanti\w+|noter?z?)\b[^.!?;]{0,200}\bqu(?:e\b|')"
)
# And what the draft regrets or understands thereafter, the citizen told: "une saisie a été faite : nous le regrettons".
_REGRETTED = re.compile(
    r"[^.!?]{0,140}?\b(?:nous (?:le |la |en |y |vous )?(?:regrett|comprenons|compatiss|sommes (?:\w+ )?(?:désol"
    r"|navr|sensibl|heureux|ravi)"
    r"|(?:\w+ )?présentons|déplor|mesurons|imaginons)|désolée?s?\b|navrée?s?\b|excuses\b|pénible|regrettable"
    r"|légitime|décourag|frustrant|agaçant"
    r"|agacement|colère|inquiét|alors que vous|plaisir|touchée?s?\b|ravie?s?\b|heureu|contente?s?\b)"
)
# What a complaint says of an act: "sans explication", "pour rien". Who promises does not.
_COMPLAINS = re.compile(
    r"\bsans (?:\w+ )?(?:explication|motif|raison|prévenir|préavis|avertissement|réponse|nouvelle|ménagement"
    r"|un mot|préven|qu)"
    r"|\b(?:lettre morte|du jour au lendemain|retard|trop tard|après la date)\b|\bdepuis (?:\w+ ){0,2}(?:mois"
    r"|semaines?|jours?|ans|années?|longtemps|des|plusieurs)\b|\bpersonne (?:ne|n')"
    r"|\balors (?:même )?qu|\bmalgré\b|\bpour rien\b"
)
# What makes a state a rule for everybody, wherever the sentence says it.
_ALWAYS = re.compile(
    r"\b(?:chaque|automatiquement|en (?:général|principe|règle générale)|généralement|habituellement|souvent"
    r"|parfois|toujours)\b"
)
# Or is glad of.
_PRAISED = re.compile(
    r"[^.!?]{0,60}?\bvous (?:n'avez rien à redire|en êtes|vous en (?:réjoui|félicit)|êtes (?:\w+ )?(?:satisf"
    r"|ravi|content))"
)
_WHATEVER = ("decision.named", "decision.ok-for")  # what they decide, they may make conditional
# What makes a decision a rule for everybody, wherever the sentence says it.
_RULE = re.compile(
    r"\b(?:faute de quoi|sans quoi|sinon|à défaut|au cas par cas|selon|en fonction d|chaque|tous les"
    r"|sur (?:demande|présentation|justificatif)|toutes les(?! (?:chance|condition))"
    r"|habituellement|généralement|en (?:général|principe|règle générale)|de manière générale|automatiquement|souvent"
    r"|parfois|peut|peuvent|pourra|pourront|pourrait|si|lorsqu\w*|quand|dès (?:qu\w*|réception)|tant qu\w*|une fois"
    r"|à condition|sous réserve|sauf|après (?:réception|vérification|examen)|à réception|plateforme|ce site|en cas de"
    r"|dans (?:certains|ce|tous les) cas)\b"
)
_ON_WHAT = re.compile(r"[^.,:!?;\n]{0,40}")
_NEXT_WORDS = re.compile(r"(?: ?[\w'-]+){0,2}")
_DOUBT = re.compile(
    r"\b(?:ne|n'|sans|ni|nul|impossible)\b[^.!?;]{0,60}\b(?:garanti|préjug|prédire|affirm|promett|savoir|sait|dire"
    r"|assur|certifi|prévoir|certitude)\w*"
)
_NEGATED = re.compile(
    r"\b(?:ne|ni|sans(?! (?:suite|délai|doute|faute|frais|condition|attendre|tarder))|aucune?)\b|\bn'"
)
_NOT_DONE = re.compile(r"(?:\b(?:ne|aucune?|jamais|ni)\b|\bn')[^.!?;:,]{0,30}$")
_THAT = re.compile(r"\bqu(?:e\b|')")
_KEPT_NEGATION = re.compile(
    r"\bvous ne ser|\bne ser(?:a|ont) plus|\bne (?:se reproduir|se renouveller|se répéter|rester)|\bne manquer"
    r"|\b(?:ne |n')(?:comporte"
    r"|présente|contient|fait apparaître)"
)
_QUOTES = re.compile(r"[«\"][^»\"]*$")  # an open quotation: of the review, if it says the same
_SHARED = re.compile(r"\bpartagée?s? par\b")
_MESSAGE = re.compile(
    r"\b(?:votre|vos|ce|ces|cette|leur|vous lire)\b(?: \w+)? ?(?:témoignages?|avis|retours?|remarques?|messages?"
    r"|félicitations|remerciements|suggestions?|compliments?|expériences?|observations?|mots?|bons mots"
    r"|encouragements|gentillesse|confiance|récit|idées?|enthousiasme|gratitude|joie|lignes|merci|bravos?)\b"
    r"|(?<=[a-z] )(?:nos services|nos efforts|à (?:améliorer|progresser)|l'accueil de tous|notre (?:travail|service"
    r"|accueil|organisation))\b"
)
# To read, to receive, to take note of a message is no action.
_MERE = re.compile(r"\b(?:mis|pris|lu|reçu|vu|eu|accompagn\w+|fait|tenu)(?:e?s?)\b")
_READ = re.compile(r"\b(?:bien reçu|reçu votre|lu |noté|pris (?:bonne |bien )?(?:note|connaissance)|compris|entendu)")
_PASSED_ON = re.compile(
    r"\b(?:pris\w* en compte|transmis|transféré|fait suivre|relayé|remonté|partagé|communiqué|adressé|remis"
    r"|porté|remonter|part\b)"
)
# Talk of the draft itself is residue: "je vais rédiger une réponse polie".
_OF_ITSELF = re.compile(
    r"\b(?:je|j'ai)\b[^.!?;]{0,20}\b(?:rédig|réécri|reformul)|^\W*(?:réécri|reformul)\w+"
    r"|\b(?:un|le) ton (?:\w+ )?(?:empath|neutre|poli|courtois|chaleureu|adapté|apais)"
    r"|\b(?:une|la) nouvelle version de (?:ce|cette|la) (?:texte|réponse)|\b(?:cette|ma) réponse, par exemple"
    r"|\bfournie?s? en contexte\b|\bla consigne m'"
)
_WILL_PASS_ON = re.compile(
    r"\bser(?:a|ont|ons) (?:\w+ ){0,2}?(?:transmis|partagé|relayé|remis|communiqué|dit|lu|affich|heureu|touch|content)"
    r"|\b(?:transmettr|partager|relai?yer|remettr|lir|recevr|dir|fer|adresser|communiquer|saur|apprécier|parviendr)"
    r"(?:ons|ont|ai?)\b|\bvont (?:être|lire|apprécier)\b"
)
_HAS_DONE = re.compile(
    r"\b(?:(?:a|ont) (?:\w+ )?été|(?:est|sont) (?:bien |donc |aussitôt )?(?:transmis|relayé|remonté)"
    r"|nous (?:l')?avons|j'ai|je l'ai|équipes? a)\b"
)
# What a review that complains of a refusal or a sum tells in other words: "coupée", where the draft says "interrompue".
_ADVERSE = re.compile(
    r"refus|rejet|radi|coup|interromp|bloqu|exclu|appliqu|diminu|decal|report|ecart|debout|ajourn|baiss|expuls"
)
_SUFFERED = re.compile(
    r"\b(?:refus|rejet|radi|coup[ée]|interrom|bloqu|exclu|penal|amende|pv\b|major|dimin|baiss|report|decal"
    r"|debout|ajourn|stopp|suspen|supprim|expuls|vir[ée]e?\b"
    r"|vire\b|arret|moitie|en moins|trop[- ]percu|indu\b|sanction)"
)
_BECAUSE = re.compile(
    r"[^.!?;]{0,20}\b(?:car|parce|faute d|en raison|au motif|puisqu)"
)  # a reason that only the service knows
# Before a word of the review: it is asked for, or denied.
_WISHED = re.compile(
    r"\b(?:(?:je|j'|nous|on) ?(?:\w+ )?demand\w+|(?<!\w )demander|souhait\w+|voudr\w+|veux|voulons|aimer\w+|reclam\w+"
    r"|affirm\w*|confirm\w*|annonce\w*|répond\w*|repond\w*|ecri\w+|dis|dites|promet\w*|obtenir|faudrait|soit"
    r"|soient|pas|jamais|comment|refus\w+ de)\b[^.!?;,]{0,40}$"
)
_STUDIES = re.compile(r"\b(?:étudi|examin|analys)(?:er|é)(?:ons|ai|a|ont|e?s?)\b")


def promises(case: Case) -> Answer:
    """Find what commits the service on a file, tells its state, or claims that something was done for it."""
    faults = []
    tables = [case.text.tried(rules) for rules in TABLES]
    for text in case.texts:
        weight = weighing.weight(text.lower)
        its: list[Found] = []
        for rules in tables if weight > _LIGHT else ():
            its += [found for found in find(text, rules) if _counts(case, text.lower, found)]
        if not its and weight > _HEAVY and _is_new(case, text.lower):
            faults.append(Fault(text.written, "promise.weighed"))
        for at, found in enumerate(its):
            over = [one for one in its if one.start < found.end and found.start < one.end]
            told = any(one in over and not _settles(one) for one in its[:at])  # each passage is quoted once
            if all(map(_settles, over)) if _settles(found) else not told:  # a decision may be a promise, which says it
                faults.append(Fault(text.written[found.start : _end(text.lower, found)], found.rule.name))
    faults = [one for one in faults if one.rule not in _MAY_BE_RULES or not is_rule_told(case, one.text.strip())]
    return none_of(faults, "promesse ou décision sur un dossier")


# What the citizen is asked to do is none, if nothing else is foretold: "n'hésitez pas à la contacter".
_BIDS = re.compile(r"\W*(?:n'hésitez|(?!(?:vous|nous)\b)\w{3,}ez)\b")
_OF_US = re.compile(r"(?<!-)\b(?:nous|notre|nos|je|on)\b|\bj'|\b\w{2,}r(?:a|ont)\b")


def _is_new(case: Case, sentence: str) -> bool:
    """Say whether a heavy sentence holds more than what was told, and more than praise that will be passed on."""
    if (
        _OF_ITSELF.search(sentence)
        or (_BIDS.match(sentence) and not _OF_US.search(sentence))
        or (_MESSAGE.search(sentence) and _WILL_PASS_ON.search(sentence))
    ):
        return False
    long = {fold(word)[:5] for word in words(sentence) if len(word) > 4}
    return 2 * len(long & {fold(word)[:5] for word in words(case.given)}) < max(2, len(long))


def _settles(found: Found) -> bool:
    """Say whether a rule is about a decision or an outcome, rather than a promise."""
    return found.rule.name.startswith(("decision.", "outcome."))


def _end(sentence: str, found: Found) -> int:
    """Give where a passage ends: a decision with the words that say on what."""
    return _ON_WHAT.match(sentence, found.end).end() if _settles(found) else found.end


def _counts(case: Case, sentence: str, found: Found) -> bool:
    """Say whether a passage is a promise indeed: not denied, about more than the message, for no case, not told."""
    said, before, settles = found.match.group(), sentence[: found.start], _settles(found)
    if _OF_ITSELF.search(sentence):
        return False
    if _QUOTES.search(before) and said in lower(case.review):
        return False
    if settles and (_DOUBT.search(before) or _is_rule(sentence, found)):
        return False
    if not settles and _NEGATED.search(_THAT.split(said, maxsplit=1)[0]) and not _KEPT_NEGATION.search(said):
        return False
    if settles:  # which may end before the word that says on what
        said = sentence[found.start : _NEXT_WORDS.match(sentence, found.end).end()]
    if _MESSAGE.search(sentence[found.start : _NEXT_WORDS.match(sentence, found.end).end()]) and not _is_claim(said):
        return False
    if _SHARED.match(sentence, max(0, found.end - len(said.split()[-1]))):
        return False
    if found.rule.kind == "said":
        relative = (
            _THAT.search(before[-4:]) and _MERE.search(said) and not _ASSERTS.search(before)
        )  # "le temps que nous avons mis"
        return not _READ.search(said) and not relative
    if found.rule.kind == "state" and not settles and _NOT_DONE.search(before):
        return False
    told = (
        _CASE.search(before[_CLAUSE.search(before).start() :] if found.rule.kind == "state" else before)
        or _TOLD_BY.search(before)
        or _WITHIN.search(found.match.group())
        or (found.rule.name not in _WHATEVER and _IF.search(sentence, found.start))
        or (found.rule.kind == "state" and not settles and _REGRETTED.match(sentence, found.end))
        or (
            found.rule.kind == "state"
            and (_COMPLAINS.search(sentence, found.end) or (not settles and _ALWAYS.search(sentence)))
        )
        or _PRAISED.match(sentence, found.end)
    )
    if told and not _ASSERTS.search(before):
        return False
    return found.rule.kind != "state" or not _was_told(case, found.match)


def _is_rule(sentence: str, found: Found) -> bool:
    """Say whether what is around a decision makes it a rule for everybody; what follows a foretold outcome does not."""
    before = sentence[: found.start]
    foretells = found.rule.name.startswith("outcome.") or found.rule.name in _WHATEVER
    return bool(_RULE.search(before) or (not foretells and _RULE.search(sentence, found.end)))


def _is_claim(said: str) -> bool:
    """Say whether words were or will be passed on: "vos remerciements ont été transmis", "nous avons relayé …"."""
    return bool(_STUDIES.search(said) or (_HAS_DONE.search(said) and _PASSED_ON.search(said)))


def _was_told(case: Case, match: re.Match[str]) -> bool:
    """Say whether review or prompt hold what a statement says, its `act` or else its last word, whatever its ending.

    What the citizen asks for or denies ("je demande l'annulation", "pas remboursé") is not told by them.
    """
    act = fold(match.groupdict().get("act") or words(match.group())[-1])
    given = fold(case.given)
    denied = _NEGATED.search(match.group())
    told = re.compile(rf"\b{re.escape(act[: max(4, len(act) - 2)])}")
    if _ADVERSE.match(act) and not _BECAUSE.match(match.string, match.end()):
        told = _SUFFERED
    return len(act) > 3 and any(
        denied or not _WISHED.search(given, max(0, one.start() - 60), one.start()) for one in told.finditer(given)
    )
