"""What the word lists say of a word: body, territory, first name, everyday word. All in lower case, no accents."""

from plume.french.vocabulary import folded, terms

ACRONYMS = folded("acronyms")
BODIES = terms("bodies")  # phrases; the longest is looked for first
TERRITORIES = terms("territories")
EVERYDAY = folded("everyday")  # words of reviews and replies that are no name, wherever they stand
FIRST_NAMES = folded("first_names")  # common ones that are no word; for those that are, see below
FIRST_NAMES_THAT_ARE_WORDS = folded("first_names_that_are_words")
OFFICES = folded("offices")
