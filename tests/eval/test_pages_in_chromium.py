"""The pages that people sign, in a real browser: on a phone, on a desk and printed."""

from eval.compare import compare
from eval.time.run import run
from plume.paths import ROOT


def test_report_is_signed_on_its_first_sheet(browser, make_data, make_drafts, texts, tmp_path):
    data = make_data(40)
    unsafe = texts["good"] + " Appelez le 01 99 00 12 34."

    def worse(i):
        return RuntimeError("cut off") if i == 3 else (texts["worse"] if i % 2 else unsafe).format(i)

    drafts = [make_drafts(data, "a", lambda i: texts["good"].format(i)), make_drafts(data, "b", worse)]
    compare(*drafts, data, ROOT / "configs/eval/gate.yaml", tmp_path / "out")
    sheets, headings = browser.look_over(tmp_path / "out" / "report.html")
    assert headings["Décision"] == 1
    assert headings["La règle, point par point"] > 1
    assert sheets <= 7


def test_time_page(browser, sample_export, tmp_path):
    run(sample_export, tmp_path / "time", draws=300)
    sheets, headings = browser.look_over(tmp_path / "time" / "time.html")
    assert headings["Trois quantités, jamais mêlées"] == 1
    assert sheets <= 8
