"""The form of a reply: length, greeting, no signature, no repetition loop, no residue of the prompt."""

import re
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import combinations

from plume.checks.case import NOTHING, Case, Result, none_of
from plume.checks.coordinates import blank
from plume.french.text import count_plain, fold, runs, words

LENGTH = (60, 140)  # words; the platform's replies have a median of 94

_START = r"\A(?:[\"«*_#> -]|[\U0001F300-\U0001FAFF])*"
# A title is a greeting where a comma, a "!" or the line's end closes it: "Monsieur le maire vous répond" is none.
_CLOSED = r"(?:[ ,]+(?!(?:vous|nous|est|a|sont|ont|qui|de|aux?|à|pour|en|par|et que)\b)[^\s,!.;:?]+){0,6} ?(?:[,!:.]|$)"
_GREETING = re.compile(
    rf"{_START}(?:(?:re-?|bien le )?(?:bonjours?|bonsoir)\b|bjr\b|salut\b|coucou\b|\[\w+\],? bonjour\b"
    rf"|bienvenue [àa] vous\b"
    rf"|(?:bien |très )?(?:ch(?:er|[eè]re)s?(?:\([\w·.]*\)|[·.]e?s?)?|chèr[·.]es?)(?= (?!(?:aux?|à|de|d'|pour|en|par"
    rf"|payée?s?|et)\b)){_CLOSED}"
    # A rank or a title before it ("Mon adjudant-chef, bonjour"), other languages: those are for the check of French.
    rf"|(?:[^\W\d_][\w'’-]*,? ){{1,5}}(?:bonjour|bonsoir)\b"
    rf"|(?:hello|hi|hey|hallo|hola|ol[áa]|ciao|hej|kaixo|demat|azul|bondj?ou|bonzour|bonghjornu|buongiorno|buonasera"
    rf"|buen[oa]s (?:d[ií]as|tardes|noches)|bo[mn] dia|boa (?:tarde|noite)|guten (?:tag|morgen|abend)|egun on"
    rf"|good (?:morning|afternoon|evening|day)|dear|sehr geehrte\w*|liebe[rs]?|estimad[oa]s?|prezad[oa]s?|gentile"
    rf"|(?:as-?)?salam\w*|مرحبا|السلام|здравствуйте|добр\w+ день|dzień dobry|bună ziua|goede(?:ndag|morgen))(?!\w)"
    rf"|(?:madame|monsieur|mesdames|messieurs|mesdemoiselles|mademoiselle|mme|mlle|m\.|mr|docteur"
    rf"|ma[îi]tre)(?![\w-]){_CLOSED})",
    re.IGNORECASE | re.MULTILINE,
)

# A formula stands at the start of a line or of a sentence, and ends the reply or opens what names its writer.
_WELL = r"(?:très |bien |plus |sincèrement |le plus |avec |en vous souhaitant )*"
_FEELINGS = r"(?:salutations|considération|sentiments|respects?|hommages|civilités|dévouement)"
_CLOSING = re.compile(
    rf"(?:^|(?<=[.!?…;»])\s+)(?:[–—-] ?)?(?:{_WELL}(?:cordialement|respectueusement)\b(?! reçue?| accueillie?)"
    rf"|(?:cdlt|cdt|bav)\b"
    rf"|{_WELL}(?:sincèrement|amicalement|chaleureusement|fraternellement|courtoisement)(?: vôtre"
    rf"| à vous)?[ ,.!]*(?:$|(?=\n))"
    rf"|(?:bien|tout|sincèrement|cordialement|respectueusement) (?:à vous|vôtre)\b"
    rf"|(?:(?:très|mes|nos|bien|plus) )*(?:(?:sincères|cordiales|respectueuses|meilleures|distinguées"
    rf"|amicales) )?salutations\b"
    rf"|avec (?:toute )?(?:mes|nos|notre|ma|l'expression d\w+)(?: \S+){{0,4}} {_FEELINGS}\b"
    rf"|avec (?:nos|mes) (?:sincères|cordiales|meilleurs?|meilleures)\b(?! (?:excuses|regrets))"
    rf"|(?:(?:dans|en) (?:l'attente|l'espoir|attendant|espérant)[^.\n]{{0,60}}, )?"
    rf"(?:(?:nous|je) vous (?:pri(?:ons|e)|demand(?:ons|e))(?: \S+){{0,6}}? (?:d['e] ?(?:agréer|croire|recevoir"
    rf"|accepter l|trouver ici)|à croire)"
    rf"|(?:nous|je) vous (?:adress(?:ons|e)|présent(?:ons|e)|transmet(?:s|tons))[^.\n]{{0,30}}{_FEELINGS}\b"
    rf"|veuillez(?:, \S+(?: \S+)?,)? (?:agréer|croire|recevoir|accepter|trouver ici)\b(?! (?:nos|mes"
    rf"|toutes nos) (?:plus )?(?:sincères )?(?:excuses|regrets))"
    rf"|(?:recevez|agréez|croyez|acceptez)\b[^.\n]{{0,60}}\b(?:{_FEELINGS}|l'expression|l'assurance))"
    rf"|votre (?:tout )?dévouée?\b|p\. ?o\.(?= )|pour ordre\b|signé ?:?(?= \S)|signature ?:)[^\n]{{0,60}}",
    re.IGNORECASE | re.MULTILINE,
)
# A last line that names a team, a service or a person, with or without a full stop.
_TEAM = (
    r"l'équipe|votre équipe|notre équipe|l'administration|les? (?:agents?|conseillers?|équipes|services?|directeur"
    r"|chef|responsable|maire|préfet|président"
    r"|médiateur|secrétariat|pôle|bureau|centre|greffe|secrétaire)|(?:la|votre|votre) (?:direction|directrice|cheffe"
    r"|caisse|caf|cpam|msa|préfecture"
    r"|mairie|conseill\w+|agence|agente?|cellule|mission|présidente|médiatrice|communication|relation|plateforme"
    r"|maison|rédaction)"
    r"|votre (?:service|centre|conseiller|interlocut\w+)|service|services|équipe|direction|préfecture|mairie|pôle"
    r"|cellule|"
    r"agence|centre|caisse|département|bureau|pour (?:le|la|l')|par délégation|un agent|une agente|votre caf"
)
_SIGNATORY = re.compile(
    rf"^(?:{_TEAM})\b.{{0,80}}$|^(?:m\.|mme|mr|monsieur|madame) \S.{{0,40}}$|^\[[^\]\n]{{2,40}}\][^.!?]{{0,40}}$",
    re.IGNORECASE,
)
_FULL_NAME = re.compile(
    r"^(?:[A-ZÀ-Ý]\.? ?-?)?[A-ZÀ-Ý][\w'-]+(?: (?:(?:de|du|des|d'|la|le|les|en|et|à|sur"
    r"|l') ?){0,2}[A-ZÀ-Ý][\w'.-]*){0,4}$"
)
# What makes a sentence of a last line: who speaks, who is spoken to, and what a list names after its bullet.
_SAYS = re.compile(
    r"\b(?:vous|nous|je|merci|sont|est|n'hésitez|reste|prenez|bonne|bon|courage|à bientôt|bravo|félicitations|belle"
    r"|beaux?|excellente?|joyeu\w+)\b|^[-•*\d]",
    re.IGNORECASE,
)
_BULLET = re.compile(r"[-•*]\s|\d+[.)]\s")
_DASHED = re.compile(rf"(?<=[.!?…]) [–—-] (?:{_TEAM})\b[^.!?\n]{{0,60}}[.]?$", re.IGNORECASE)

_N_WORDS = r"(?:environ |≈ ?)?(?:nombre de mots ?: ?\d+|\d{2,3} mots)"
_LABEL = (
    r"(?:système|system|assistant|user|human|utilisateur|instructions?|consignes?|(?:avis|message|question"
    r"|témoignage)(?: (?:de l'(?:usag[eè]re?|internaute|auteur)|du citoyen|de la citoyenne|initial|reçu))?|service"
    r"|usager"
    r"|titre|prompt|contacts officiels|output|input|exemple \d|version \d|option \d|variante \d|longueur|nombre de mots"
    r"|raisonnement|analyse|notes?(?: (?:interne|de l'assistant|pour l'agent|au relecteur|du rédacteur|à l'agent))?"
    r"|remarques?|commentaires?|réponse(?: (?:proposée|suggérée|type|finale|corrigée|générée|de l'administration"
    r"|du service|à l'avis))?|(?:projet|proposition|brouillon|modèle)(?: de réponse)?(?: n° ?\d| \d)?)"
)
_MODEL = r"(?:modèle|assistante?|robot|chatbot|ia\b|intelligence artificielle|agent conversationnel)"
_MARKERS = re.compile(
    # Signs of a format: chat templates, headings, fences, tags, JSON.
    r"<\|\w*\|?>?|\|>|</?(?:s|unk|pad|bos|eos|think|reponse|réponse|avis|system|assistant|user|br|p|div|html|b"
    r"|strong|ul"
    r"|li) ?/?>|^#+ |###+|\[/?INST\]|<</?SYS>>|```|~~~|^-{3,}$|^={3,}$|^\*{3,}$|\\n"
    r"|^[{\[] ?\"\w+\" ?:|\"(?:reponse|réponse|response|content|role)\" ?:"
    # Labels of a prompt, or of a conversation.
    rf"|^[\"«*#_ (\[]{{0,4}}{_LABEL}(?: ?\([^()\n]{{0,60}}\))?[*_ )\]]{{0,3}} ?:.{{0,40}}"
    rf"|^(?:system|assistant|user|système)\W*$"
    rf"|^[(\[*]*{_N_WORDS}[)\]*. ]*$|[(\[]{_N_WORDS}[)\]]|^[(\[*][^()\[\]\n]*\b{_N_WORDS}\b[^()\[\]\n]*[)\]*]$"
    r"|\b(?:réponse|texte|message|brouillon|contenu) (?:(?:ré)?générée?|produite?) (?:automatiquement"
    r"|par (?:une? )?(?:ia|intelligence|modèle|assistant|algorithme|outil))"
    r"|^[(\[*_ ]*(?:ton|longueur|sentiment|style|registre|langue)(?: [\wéè]+)?[*_ ]* ?:.{0,60}"
    # Talk about the task, the instructions, the answer as a text.
    r"|\btu (?:rédiges|aides|es (?:un|l')|dois|ne dois|réponds)\b|\brègles de rédaction\b"
    r"|\b(?:entre )?60 (?:et|à) 140 mots\b|\b\d+ mots (?:maximum|au maximum|max)\b"
    r"|\b(?:voici|ci-dessous|ci-après)(?: donc)?,? (?:une |la |ma |votre |un |le |mon )?(?:autre |nouvelle |courte )?"
    r"(?:(?:proposition|projet|exemple|version|suggestion|texte|modèle) de réponse|(?:réponse|version|proposition"
    r"|reformulation) (?:proposée|suggérée|corrigée|possible|adaptée|révisée|à l'avis)|réponse ?:|brouillon)\b"
    r"|\bvoici (?:une |la |ma |votre )?réponse\b(?! (?:à (?:votre|vos) questions?|que (?:nous|l'on)|apportée))"
    r"|\b(?:selon|conformément (?:à|aux)|suivant|d'après|comme (?:demandé|indiqué|précisé) (?:dans|par)"
    r"|respect\w* (?:de )?)"
    r" ?(?:les|ces|vos|mes|tes|la|cette|ta|votre)? ?(?:consignes?|instructions?|prompt)\b"
    r"(?! (?:de|du|des|d'|figurant|jointes?|affichées?|qui|que|reçues|données|sur|sanitaires))"
    r"|\b(?:cette|ma|la) réponse (?:respecte (?:les?|la|vos|toutes)|(?:ne )?(?:contient|comporte) (?:aucun|pas|\d+"
    r"|entre)"
    r"|ne promet|compte \d|fait \d|a été (?:rédigée|générée) (?:par|selon|en))"
    r"|\b(?:limite|contrainte|nombre) de (?:mots|longueur|caractères)\b"
    r"|\bj'ai (?:rédigé|veillé à|respecté|adapté le|reformulé|gardé un ton|utilisé un ton|essayé de (?:respecter"
    r"|rester))\b"
    r"|\bj'espère que (?:cette|ma) (?:réponse|proposition|version)"
    r"|\b(?:souhaitez|voulez)-vous que je (?:reformule|modifie|raccourcisse|adapte|rédige|propose|la|le|change"
    r"|développe)"
    r"|\bje peux (?:aussi |également )?(?:la |le |l'|en )?(?:reformuler|raccourcir|ajuster|adapter|rédiger)\b"
    r"|\bn'hésite[sz]? pas à (?:me (?:demander|dire|préciser)|(?:adapter|modifier|personnaliser|ajuster"
    r"|reformuler) (?:ce|cette|la))"
    r"|(?:^|[.!?] )l'(?:usager|usagère|utilisateur|internaute) (?:exprime|se plaint|décrit|raconte|mentionne|évoque)\b"
    r"|\bton (?:empathique|neutre|professionnel|bienveillant|courtois|adopté)\b"
    # Talk about oneself.
    rf"|\ben (?:tant qu|ma qualité d)(?:e |')(?:une? )?{_MODEL}|\bje suis (?:une? |l')?{_MODEL}"
    rf"|\bmodèle de lang(?:ue|age)\b"
    r"|\b(?:as an ai|as a language model|i am an ai|language model|chatgpt|openai|mistral ai)\b"
    r"|\bdonnées d'entraînement\b"
    r"|\bje ne (?:peux|suis) pas (?:en mesure de |autorisée? à )?(?:générer|rédiger|fournir cette réponse)"
    r"|\b(?:ce|le) (?:prompt|projet de réponse)\b|\A\W*(?:bien sûr|certainement|absolument|d'accord|avec plaisir"
    r"|ok) ?[!,.:]",
    re.IGNORECASE | re.MULTILINE,
)
# plume.prompt writes the system text first, then the citizen's part from this line on.
_CITIZENS_PART = re.compile(r"^(?:Service|Titre|Avis) :", re.MULTILINE)
_INSTRUCTS = re.compile(r"\b(?:tu|ton|tes|rédige|réponds|consignes?|instructions?|règles de)\b", re.IGNORECASE)
_ECHO = 8  # words in a row that only a copy of the instructions would share with them


def length(case: Case) -> Result:
    low, high = LENGTH
    n = count_plain(case.draft)
    return low <= n <= high, f"{n} mots (attendu : {low} à {high})"


def greeting(case: Case) -> Result:
    if _GREETING.search(case.draft):
        return True, NOTHING
    start = " ".join(case.draft.split()[:5])
    return False, f"ne commence pas par une salutation : « {start} »" if start else "brouillon vide, sans salutation"


def signature(case: Case) -> Result:
    """A closing formula anywhere at the start of a line or sentence, or a last line that names who writes."""
    faults = [m.group() for m in _CLOSING.finditer(case.draft) if _opens_the_end(case, m)]
    lines = [line for line in case.draft.split("\n") if line and not _BULLET.match(line)]
    ends = [line for i, line in enumerate(lines) if i >= max(1, len(lines) - 3)]  # a first line is no signature
    faults += [line for line in ends if _is_signatory(line) and (line is lines[-1] or not _GREETING.match(line))]
    if len(lines) > 1 and (line := lines[-1]) not in faults and _is_bare(line, lines[-2]):
        faults.append(line)
    faults += [m.group() for m in _DASHED.finditer(case.draft)]
    return none_of(faults, "formule de politesse ou signature")


def _opens_the_end(case: Case, match: re.Match[str]) -> bool:
    """Whether little follows the formula: the same words may open a sentence that goes on to say something."""
    return len(case.draft[match.end() :].split()) <= 25


def _is_signatory(line: str) -> bool:
    line = re.sub(r"^[–—] ?", "", line).rstrip(",. ")
    short = len(line.split()) <= 12 and line[-1:] not in "!?…:;" and not _SAYS.search(line)
    return short and bool(_SIGNATORY.search(line) or _FULL_NAME.search(line))


def _is_bare(line: str, before: str) -> bool:
    """A short last line without a full stop, where the paragraph before has one: it can only be a name."""
    ends = before[-1:] in ".!?…)" or before.lower().rstrip(" ,").endswith(
        ("cordialement", "à vous", "respectueusement")
    )
    return (
        ends
        and re.match(r"[–—] |\w", line) is not None
        and len(line.split()) <= 8
        and line[-1] not in '.!?…:;»")'
        and not _SAYS.search(line)
    )


def repetition(case: Case) -> Result:
    """A sentence twice or nearly, a passage of ten words twice, six words three times, words many times in a row."""
    tokens = words(blank(case.draft))
    faults = [m.group()[:12] for m in _SAME_SIGN.finditer(case.draft)][:1]
    if (stutter := _STUTTER.search(" ".join(tokens))) and not _is_echo(case, stutter):
        faults.append(stutter.group())
    triples = Counter(runs(tokens, 3))
    if triples and triples.most_common(1)[0][1] > 1:  # else nothing longer comes twice
        spoken = [tuple(words(s)) for s in case.sentences]
        faults += [" ".join(s) for s, n in Counter(spoken).items() if (n > 1 and len(s) >= 5) or (n > 2 and len(s) > 2)]
        long = [s for s in dict.fromkeys(spoken) if len(s) >= _LONG_SENTENCE]
        faults += [" ".join(b) for a, b in combinations(long, 2) if _alike(a, b)][:1]
        faults += [" ".join(s) for s in _said_anew(spoken)][:1]
        for length, least in ((4, 4), (6, 3), (10, 2)):
            if len(tokens) > length and (run := Counter(runs(tokens, length)).most_common(1)[0])[1] >= least:
                faults.append(" ".join(run[0]))
        faults += _said_twice_in_a_row(tokens)
    return none_of(faults, "répétition")


def _is_echo(case: Case, stutter: re.Match[str]) -> bool:
    """Whether the citizen said a word three times, and the draft takes it up ("Merci, merci, merci")."""
    said = stutter.group()
    return said.count(" ") == 2 and said in " ".join(words(blank(case.review)))


# The same word three times in a row, or two words.
_STUTTER = re.compile(r"\b([^\W\d]+)(?: \1){2,}\b|\b([^\W\d]+ [^\W\d]+)(?: \2){2,}\b")
_SAME_SIGN = re.compile(r"([^\s\d_.…])\1{7,}")  # a row of dots or underscores is a slot to fill
_LONG_SENTENCE = 8  # words: shorter ones may well resemble each other
_ALIKE = 0.85  # share of words, in order, from which two sentences are one said twice


def _said_anew(spoken: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """A sentence that two others say again with the same words in another order or form."""
    stems = [frozenset(fold(w)[:5] for w in s if len(w) > 3) for s in spoken]
    long = [(s, stem) for s, stem in zip(spoken, stems, strict=True) if len(stem) >= 4]
    return [s for s, mine in long if sum(len(mine & other) >= 0.75 * len(mine | other) for _, other in long) > 2]


def _said_twice_in_a_row(tokens: Sequence[str]) -> list[str]:
    """The first passage of three to nine words that is said again right after it."""
    for n in range(3, 10):
        for i in range(len(tokens) - 2 * n + 1):
            if tokens[i] == tokens[i + n] and tokens[i : i + n] == tokens[i + n : i + 2 * n] and tokens[i].isalpha():
                return [" ".join(tokens[i : i + 2 * n])]
    return []


def _alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two sentences differ by a word or two only."""
    if min(len(one), len(other)) / max(len(one), len(other)) < _ALIKE - 0.1 or len(set(one) & set(other)) < 6:
        return False
    return SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE


# A page that shows a draft would run it, or show a hole: tags, comments, entities.
_HTML = re.compile(
    r"</?[a-zA-Z][\w-]*(?:\s[^<>]{0,500})?/?>|<!--|<script\b|&(?:nbsp|amp|lt|gt|quot|apos|[lr][ads]quo|hellip|[mn]dash|euro|[aeiouAEIOU](?:acute|grave|circ|uml)|ccedil"
    r"|#x?[0-9a-fA-F]{1,6});"
)


def residue(case: Case) -> Result:
    """Markers of a conversation format, HTML, talk about the task, instructions copied out."""
    faults = [m.group() for m in _MARKERS.finditer(case.draft) if m.group().strip() not in case.review]
    faults += _HTML.findall(case.draft) if "<" in case.draft or "&" in case.draft else []
    given = _instructions(case.prompt, case.review)
    echoed = next((run for run in runs(case.tokens, _ECHO) if run in given), None) if given else None
    if echoed:
        faults.append(" ".join(echoed))
    return none_of(faults, "reste de la consigne")


@lru_cache(maxsize=32)
def _instructions(prompt: str, review: str) -> frozenset[tuple[str, ...]]:
    """Runs of words of the instructions. A prompt of bare facts instructs nobody: a reply may well use their words."""
    cut = _CITIZENS_PART.search(prompt)
    text = prompt[: cut.start()] if cut else prompt.replace(review or "\n", "\n")
    return frozenset(runs(words(text), _ECHO)) if cut or _INSTRUCTS.search(text) else frozenset()
