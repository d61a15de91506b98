"""Which language a text is in, by its small words: nine languages, no model, meant for short replies."""

import re
from collections.abc import Sequence

from plume.checks.case import NOTHING, Case, Result
from plume.french.text import words

# Function words, and the words that open and close letters. Words shared by several languages count for each of them.
FRENCH = "français"
_SMALL_WORDS = {
    FRENCH: """le la les un une des du de d l au aux et ou mais donc car que qui quoi dont où ce cet cette ces c s n
        qu je j nous vous il elle on ils elles me m se y en lui leur leurs mon ma mes votre vos notre nos son sa ses ne
        pas plus très bien est sont été être avez avons avoir a ai ont sera pour par sur sous dans avec sans chez vers
        afin ainsi comme si même tout toute toutes tous à bonjour bonsoir merci madame monsieur remercions remercie
        désolés navrés regrettons invitons pouvez service dossier demande avis témoignage retour réponse""",
    "anglais": """the a an and or but of to in on at for from with by is are was were be been has have had will would
        can could should this that these those it its we you your our they their he she i my not no as if so there
        which who what when how any all please thank thanks sorry hello dear hi about more regards request service""",
    "espagnol": """el la los las un una y o pero de del que en por para con sin es son está han hemos ha su sus nuestro
        nuestra usted ustedes le les lo se no más como muy gracias hola estimado estimada buenos días""",
    "allemand": """der die das den dem des ein eine einen einer und oder aber nicht ist sind war wir sie ihr ihre ihnen
        ich es zu mit für von auf bei im in an als auch wird haben hat danke hallo sehr geehrte""",
    "italien": """il lo la i gli le un una e o ma di del della dei che in per con su non è sono siamo ha hanno abbiamo
        suo sua vostro vostra nostro nostra lei voi si più come molto grazie buongiorno gentile""",
    "portugais": """o os as um uma e ou mas do da dos das no na nos nas em por para com não é são está foi ser ter tem
        seu sua seus suas nosso nossa você vocês lhe que se mais como muito obrigado obrigada olá bom dia caro pelo pela
        pedido serviço ao à""",
    "néerlandais": """de het een en of maar niet is zijn was wij we zij u uw ik dat dit die van voor op bij in met aan
        te om als ook wordt heeft hebben kan kunt naar er geen bedankt dank hallo geachte onze ons""",
    "polonais": """i w na z do nie że się jest to za o od dla po przez jak są był pan pani państwo
        dziękujemy prosimy""",
    "roumain": """și de la în cu pe nu este sunt un o din pentru că vă mulțumim dumneavoastră ne bună ziua""",
}
_LANGUAGES: dict[str, tuple[str, ...]] = {}
for _name, _text in _SMALL_WORDS.items():
    for _word in words(_text):
        _LANGUAGES[_word] = (*_LANGUAGES.get(_word, ()), _name)
_FOREIGN_SENTENCE = 6  # words: from here on a sentence in another language is no quotation of a name
_WINDOW, _MARGIN = 10, 4  # a passage inside a French sentence: so many words, so many more small words than French has
_NOT_LATIN = re.compile(r"[^\W\d_A-Za-zªº\u00b5-\u024f\u1e00-\u1eff\ufb00-\ufb06]")
_QUOTED = re.compile(r"«[^«»]*»|\"[^\"]*\"|“[^“”]*”")


def _scores(tokens: Sequence[str]) -> dict[str, float]:
    """Small words of each language; a word with an accent of French is half a one."""
    scores = dict.fromkeys(_SMALL_WORDS, 0.0)
    for token in tokens:
        for name in _LANGUAGES.get(token, ()):
            scores[name] += 1
        if not _ACCENTS.isdisjoint(token):
            scores[FRENCH] += 0.5
    return scores


_ACCENTS = frozenset("éèêëçœàùîôû")


def language(text: str) -> str | None:
    """The language whose small words cover most of the text; None without evidence or on a tie without French.

    Accents count: a word with one of French is half a small word, so that short texts without small words are told.
    """
    return _language(words(text))


def _language(tokens: Sequence[str]) -> str | None:
    scores = _scores(tokens)
    best = max(scores, key=lambda name: scores[name])  # French stands first: it wins a tie
    return best if scores[best] else None


def in_french(case: Case) -> Result:
    """The whole draft, each sentence long enough to be told, and passages inside a sentence that no quotes mark."""
    found = _language(case.tokens)
    if found != FRENCH:
        return False, f"langue : {found or 'indéterminée'}"
    if len(_NOT_LATIN.findall(case.draft)) >= _FOREIGN_SENTENCE:
        return False, "passage dans un autre alphabet"
    for sentence in case.sentences:
        tokens = words(sentence)
        other = _language(tokens) if len(tokens) >= _FOREIGN_SENTENCE or _surely_foreign(tokens, case) else None
        if other not in (None, FRENCH):
            return False, f"phrase en {other} : « {sentence} »"
    if passage := _foreign_passage(case):
        return False, f"passage étranger : « {passage} »"
    return True, NOTHING


def _surely_foreign(tokens: Sequence[str], case: Case) -> bool:
    """A short sentence of small words that are none of French, and no quotation of the review."""
    scores = _scores(tokens)
    return (
        len(tokens) >= 4 and not scores[FRENCH] and max(scores.values()) >= 3 and " ".join(tokens) not in case.reviewed
    )


def _foreign_passage(case: Case) -> str | None:
    """The first run of words that is far from French; quotations, and what the review says so, are left out."""
    tokens = words(_QUOTED.sub(" ", case.draft))
    french = [FRENCH in _LANGUAGES.get(t, ()) or not _ACCENTS.isdisjoint(t) for t in tokens]
    counted = sum(french[:_WINDOW])
    for start in range(max(0, len(tokens) - _WINDOW) + 1):
        if start:
            counted += french[start + _WINDOW - 1] - french[start - 1]
        if counted > 2:
            continue
        window = tokens[start : start + _WINDOW]
        scores = _scores(window)
        best = max(scores, key=lambda name: scores[name])
        if scores[best] >= scores[FRENCH] + _MARGIN and " ".join(window[2:-2]) not in case.reviewed:
            return " ".join(window)
    return None
