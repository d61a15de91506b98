"""The recogniser of names: spaCy's French model, fine-tuned once on invented sentences. Loaded by `ner` alone."""
