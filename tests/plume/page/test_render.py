"""The skin: what every page inherits."""

import re
from pathlib import Path

import jinja2
import pytest

import plume.page
from plume.page import Figure, Table, render
from plume.page.render import typography

CSS = (Path(plume.page.__file__).parent / "page.css").read_text(encoding="utf-8")
CHILD = """{% extends "base.html.j2" %}{% import "macros.html.j2" as page %}
{% block title %}Titre{% endblock %}
{% block header %}<h1>{{ name }}</h1>{% endblock %}
{% block main %}{{ page.table(table) }}{{ page.figure(figure) }}{{ page.signature(["Oui"], ["Nom"]) }}
<p>{{ 0.5 | percent }} : {{ 1 | interval(2, number) }}</p>{% endblock %}
"""


@pytest.fixture
def template(tmp_path):
    path = tmp_path / "child.html.j2"
    path.write_text(CHILD, encoding="utf-8")
    return path


def test_a_page_extends_the_base_and_escapes_what_it_is_given(template):
    table = Table("Légende", ["A", "B", "C", "D"], [["<b>", "1", "2", "3"]])
    html = render(template, name="<script>", table=table, figure=Figure("data:,", "alt", "Figure", table))
    assert '<html lang="fr">' in html
    assert html.index('href="#contenu"') < html.index("<h1>")  # the first thing that the keyboard reaches
    assert html.count('tabindex="0" role="region" aria-label="Légende"') == 2
    assert html.count('<th scope="row">&lt;b&gt;</th>') == 2
    assert "<script>" not in html
    assert "50,0\u202f%\u00a0: de\u00a01,0\u00a0à\u00a02,0" in html
    assert "@media print" in html


def test_what_a_template_wants_and_is_not_given_is_an_error(template):
    with pytest.raises(jinja2.UndefinedError):
        render(template, name="x")


def test_spaces_before_punctuation_do_not_break_but_texts_and_code_stay_as_they_are():
    assert typography("<p>Ici : « oui » ; 95 % ?</p>") == "<p>Ici\u00a0: «\u00a0oui\u00a0»\u00a0; 95\u202f%\u00a0?</p>"
    for kept in ("<style>a :hover {}</style>", "<code>a : b</code>", '<p class="text">Non <del>!</del> : oui</p>'):
        assert typography(kept) == kept
    assert typography('<a title="a : b">c</a>') == '<a title="a : b">c</a>'


def test_every_colour_of_text_stands_out_from_every_ground():
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", CSS))

    def light(code):
        digits = code[1:] if len(code) == 7 else "".join(2 * c for c in code[1:])
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    grounds = [colours.pop("paper"), colours.pop("tint"), "#fdf5ee"]
    colours.pop("line")
    for name, colour in colours.items():
        for ground in grounds:
            assert (light(ground) + 0.05) / (light(colour) + 0.05) >= 4.5, (name, ground)
