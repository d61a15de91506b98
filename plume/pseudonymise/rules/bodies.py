"""What receives the public, as its sentences name it: where one is named, a landline or an address may be its own."""

# A piece of a regular expression, for folded text. Long names need no more than their first word.
BODY = (
    r"(?:services?|accueil|standard|guichets?|agence|antenne|mairie|hotel de ville|caf|cpam|msa|carsat|cnav|cgss|urssaf"
    r"|mdph|ccas|crous|cdad|adil|cafat|caisse|tresorerie|greffe|secretariat|plateforme|permanence|bureaux?|locaux"
    r"|etat[ -]civil|(?:sous-)?prefecture|tribunal|conseil (?:departemental|regional)|consulat|ambassade|centre"
    r"|maison (?:d|franc)\w+|conseillers|cellule|direction|departement|academie|rectorat|inspection|delegation"
    r"|commission|mediat(?:eur|rice|ion)|point-justice|point justice|france services|france travail"
    r"|finances publiques|impots|gendarmerie|commissariat)"
)
