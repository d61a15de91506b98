"""`plume train preferences`: an adapter learns from what agents made of drafts, and from which of two was better.

`comparisons` reads files into judgements on texts, `filters` leaves out what would teach nothing or harm, `samples`
tokenises, `trl_trainer` gives trl's losses, `loop` makes the steps, and `run` is the whole.
"""
