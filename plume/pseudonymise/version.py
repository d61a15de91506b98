"""Names the version of the rules that mask, for manifests: a digest of their code and lists, raised by no hand."""

from functools import cache

from plume.files import code_sha256

SOURCES = (  # what a text's masks depend on, but for the recogniser, which a manifest names beside it
    "plume/pseudonymise/**/*.*",
    "plume/french/**/*.*",
    "plume/marks.py",
    "plume/contacts.py",
    "datasets/contacts/contacts.json",
)


@cache
def version() -> str:
    """Digest what the masks depend on; until November 2026 manifests held a number, at last "6"."""
    return code_sha256(*SOURCES)[:12]
