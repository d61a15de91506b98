"""`plume train export`: a version leaves plume as merged weights, as GGUF, or as a folder for the model hub."""
