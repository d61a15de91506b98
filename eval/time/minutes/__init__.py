"""The agent's minutes: timed where timed, modelled where not, and what became of the drafts."""
