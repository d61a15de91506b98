"""What is shown before a run: the samples with their masks."""

import re


def test_preview_shows_the_mask_and_what_is_left_out_and_trains_nothing(shown, home):
    out = shown("--preview", "2", out=home / "preview", max_tokens=180, micro_batch_tokens=400)
    assert out.count("⟦") == out.count("<|im_end|>⟧") == 2
    learnt = out.split("⟦")[1].split("⟧")[0]
    assert learnt.startswith("Bonjour, nous regrettons")
    assert "Avis :" not in learnt
    assert re.search(r"left out: \d+ × # tokens, at most #", out)
    assert re.search(r"at most 180 tokens; all start with the same \d\d+ *$", out, re.MULTILINE)
    assert not (home / "preview").exists()
