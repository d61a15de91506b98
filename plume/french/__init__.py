"""French, written down once: how text is read, numbers, word lists as data, and named rules with their examples."""
