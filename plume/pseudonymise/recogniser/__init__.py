"""The recogniser of names: the network of spaCy's French model, trained on invented sentences; `ner` alone loads it."""
