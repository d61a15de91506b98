"""Which language a text is in, by its small words: five languages, no model, meant for short replies."""

from plume.checks.case import NOTHING, Case, Result
from plume.checks.text import sentences, words

# Function words, and the words that open and close letters. Words shared by several languages count for each of them.
FRENCH = "français"
_SMALL_WORDS = {
    "français": """le la les un une des du de d l au aux et ou mais donc car que qui quoi dont où ce cet cette ces c s n
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
}
_SETS = {name: frozenset(words(text)) for name, text in _SMALL_WORDS.items()}
_FOREIGN_SENTENCE = 6  # words: from here on a sentence in another language is no quotation of a name


def language(text: str) -> str | None:
    """The language whose small words cover most of the text; None without evidence or on a tie without French.

    Accents count: a word with one of French is half a small word, so that short texts without small words are told.
    """
    tokens = words(text)
    scores = {name: float(sum(token in known for token in tokens)) for name, known in _SETS.items()}
    scores["français"] += 0.5 * sum(any(c in "éèêëçœàùîôû" for c in token) for token in tokens)
    best = max(scores, key=lambda name: scores[name])  # French stands first: it wins a tie
    return best if scores[best] else None


def in_french(case: Case) -> Result:
    """The whole draft, and each sentence long enough to be told."""
    found = language(case.draft)
    if found != "français":
        return False, f"langue : {found or 'indéterminée'}"
    for sentence in sentences(case.draft):
        other = language(sentence) if len(words(sentence)) >= _FOREIGN_SENTENCE else None
        if other not in (None, "français"):
            return False, f"phrase en {other} : « {sentence} »"
    return True, NOTHING
