"""`plume data anonymise`: spans index what was given."""

from plume.files import read_jsonl, to_jsonl


def test_anonymise_gives_spans_of_the_input(cli, refused, tmp_path):
    text = "Bonjour, écrivez-moi à zoe.tournesol@example.org ou au 06 12 34 56 78."
    source = tmp_path / "in.jsonl"
    rows = [{"id": 7, "text": text}, {"id": "b", "text": "Rien à cacher à [AGENT_1]."}]
    source.write_bytes(b"\xef\xbb\xbf" + to_jsonl(rows))
    done = cli("data", "anonymise", source, "--out", tmp_path / "new" / "out.jsonl", "--no-ner", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = read_jsonl(tmp_path / "new" / "out.jsonl")
    assert first["id"] == 7
    found = {text[s["start"] : s["end"]]: s["type"] for s in first["spans"]}
    assert found == {"zoe.tournesol@example.org": "EMAIL", "06 12 34 56 78": "TEL"}
    assert "06 12" not in first["text"]
    assert second == {"id": "b", "text": "Rien à cacher à [AGENT_1].", "spans": []}
    again = cli(
        "data", "anonymise", tmp_path / "new" / "out.jsonl", "--out", tmp_path / "o.jsonl", "--no-ner", cwd=tmp_path
    )
    assert again.returncode == 0, again.stderr
    assert [row["text"] for row in read_jsonl(tmp_path / "o.jsonl")] == [first["text"], second["text"]]
    source.write_bytes(to_jsonl([{"id": "1", "text": None}]))
    told = refused("data", "anonymise", source, "--out", tmp_path / "out.jsonl", cwd=tmp_path)
    assert "object 1: its text is" in told
