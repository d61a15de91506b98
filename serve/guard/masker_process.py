"""Masks reviews and checks drafts in a process of its own: the server's event loop never waits for a recogniser.

One request a line on the standard input, one answer a line on the standard output, both JSON. Texts live here for the
length of a request and are written nowhere; an error is told by its type alone.
"""

import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not look like an answer
    operations = _operations()
    gc.collect()
    gc.freeze()  # word lists that live as long as the process: looking through them again and again delays requests
    _answer(answers, {"ready": True})
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = operations[request.pop("op")](**request)
        except Exception as error:
            answer = {"error": type(error).__name__}
        _answer(answers, answer)


def _answer(answers: Any, value: dict[str, Any]) -> None:
    answers.write(json.dumps(value) + "\n")
    answers.flush()


def _operations() -> dict[str, Callable[..., dict[str, Any]]]:
    from dataclasses import asdict

    from plume.checks import Case, check_case
    from plume.checks.agent_instruction import asked_for
    from plume.checks.withhold import withhold_from
    from plume.contacts import Directory
    from plume.export.body_names import body_name
    from plume.pseudonymise import Pseudonymiser
    from plume.pseudonymise.propagate import replace_pseudonym
    from plume.pseudonymise.recogniser.ner import load_ner

    directory = Directory.load()
    pseudonymiser = Pseudonymiser(load_ner(), directory)
    pseudonymiser.mask("Bonjour, Mme Durand attend à Lyon.")  # what is loaded at first use is loaded now

    def mask(
        texts: list[str], *, replies: bool = False, pseudonym: str | None = None, names: Sequence[str | None] = ()
    ) -> dict[str, Any]:
        """Mask each text as `plume data anonymise` does; a citizen's pseudonym is found as in the corpus.

        `names` are those of a network and a structure, masked as the corpus masks them; null for what is no such name.
        """
        texts = [replace_pseudonym(text, pseudonym) for text in texts]
        masked = pseudonymiser.mask_many(texts, replies=replies)
        return {
            "texts": [text for text, _ in masked],
            "spans": [[s._asdict() for s in spans] for _, spans in masked],
            "names": [body_name(name) for name in names],
        }

    def instruct(text: str, pseudonym: str | None) -> dict[str, Any]:
        """Mask an agent's instruction; `asks` is what no draft may do, if it asks for that."""
        done = mask([text], replies=True, pseudonym=pseudonym)
        return {"text": done["texts"][0], "spans": done["spans"][0], "asks": asked_for(done["texts"][0])}

    def judge(draft: str, review: str, prompt: str) -> dict[str, Any]:
        """Cut out what a draft may not hold; return where that stood, and every finding on the draft as written."""
        case = Case.of(draft, review, prompt, directory, None)
        findings = check_case(case)
        text, withheld = withhold_from(case)
        return {"draft": text, "withheld": [asdict(w) for w in withheld], "findings": [asdict(f) for f in findings]}

    return {"mask": mask, "instruct": instruct, "judge": judge}


if __name__ == "__main__":
    main()
