"""Pieces of patterns of ages: numbers as they are said and misspelt, units, what may not follow. Folded."""

from plume.french.numbers import number_words
from plume.french.vocabulary import any_of

# How numbers are misspelt: "soisante dis", "katre vin", "kinze".
SLIPS = ("deu", "troi", "katre", "catre", "sinc", "cinc", "sis", "uit", "neu", "dis", "onz", "douz", "kinze", "quinz")
SLIPS = (*SLIPS, "catorze", "quatorse", "seze", "disset", "dizuit", "diset", "disneuf", "diz-huit")
TWENTIES = (
    r"vingt|vin|vint|tr[ea]n?te|trante|[qc]u?[ae]r[ae]nte|[sc]in[qck]u?[ae]nte|s[ow]+a?i?s{1,2}[ae]nte|soi[xs]+[ae]nte"
)
ONES = any_of((*number_words(1, 16), "dix-sept", "dix-huit", "dix-neuf", "dix sept", "dix huit", "dix neuf", *SLIPS))
TENS = (
    rf"(?:(?:{TWENTIES}|septante|nonante|(?:quatre|[kc]atre)[ -]?vin(?:gt|t)?s?)(?:[ -](?:et[ -])?(?:{ONES}|\d\b))?"
    rf"|cent(?:[ -](?:et[ -])?{ONES})?)"
)
FROM_FIFTY = rf"(?:cinquante|soixante|septante|nonante|quatre[ -]vingts?)(?:[ -](?:et[ -])?{ONES})?"
UNDER_TWENTY = rf"(?:dix[ -](?:sept|huit|neuf)|{any_of((*number_words(2, 16), *SLIPS))})"
HALF = r"(?: et demie?(?! d))?"
SLANG = r"piges|balais|berges"
UNIT = rf"(?:ans?\b{HALF}|{SLANG})"
YEARS = rf"(?:\d{{1,3}}|{TENS}) ?{UNIT}"
ANY = rf"(?:\d{{1,3}}|{TENS}|{UNDER_TWENTY})"
YEARS_OF_SOMEBODY = rf"{ANY} ?{UNIT}"
# "2, 5 et 9 ans", "2 ans 5 ans et 9 mois"
SEVERAL = (
    rf"{ANY}(?: ?(?:ans|mois))?(?:(?:, ?(?:et )?| et |/| - |(?<=\d)-(?=\d)| )(?:de )?{ANY}(?: ?(?:ans|mois))?){{1,8}}"
    r"(?<=ans|ois)"
)
DECADE = r"(?:trent|quarant|cinquant|soixant|septant|octant|nonant)aine"
PASSED = (
    r"(?: (?:bien |largement |tout juste |a peine )?(?:passee|sonnee|tassee|tapee|entamee|avancee|depassee|frappee"
    r"|largement)(?: (?:et bien )?\w+ee)?)?"
)
HAS = (
    r"(?:avons|avez|je(?= [a-z\d -]{2,20} ?ans?\b)"
    r"|j'ai|j ai|jai|g|a|ai|ont|avais|avait|avions|avaient|aura|aurais|aurait"
    r"|aurai|aurons|auront"
    r"|feter?|bientot|presque"
    r"|deja|avoir|mes|ses|nos|attein(?:s|t|drai?)|franchi\w*)"
    r"(?: (?:que|bientot|presque|plus de|deja|maintenant|moins de|environ|eu|fete|seulement|tout juste|juste"
    r"|a peine|encore"
    r"|exactement|largement|plus|pas|meme pas|pas encore|guere plus de|pas tout a fait))?"
)
# "j'ai 42 ans de carrière", "il a 20 ans qu'on attend": a duration, not an age.
NO_BIRTHDAY_AFTER = (  # "elle aura seize ans à Noël"
    r"(?! ?(?:de|d'|que|qu'|apres|plus tard|revolus|au(?! (?:depot|moment|debut|depart|jour))|A_TIME"
    r"en(?! (?:janv|fevr|mars|avr|mai|juin|juil|aout|sept|oct|nov|dec))|dans|pour|j'|je|sans|et demie? d|pass|ferme"
    r"|avec|avant)\b)"
)
NO_AGE_AFTER = NO_BIRTHDAY_AFTER.replace(  # "j'avais 26 ans à mon arrivée"
    "A_TIME", r"a(?! (?:mon|ma|mes|son|sa|leur|notre|l'epoque|l'arrivee|noel|peine|ce|cette|present|la)\b)|"
)
NO_BIRTHDAY_AFTER = NO_BIRTHDAY_AFTER.replace("A_TIME", "")
