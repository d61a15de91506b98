"""No text keeps plume busy for longer than its length: every pattern and every finder on repeated pieces.

What is asserted is a ratio of two runs, of a text and of one four times as long; a doubtful one is measured again.
"""

import ast
import importlib
import inspect
import pkgutil
import random
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from re import _constants as ops
from re import _parser

import plume
from plume.checks import check
from plume.contacts import Directory
from plume.french.rules import Rule
from plume.pseudonymise import Pseudonymiser

Run = Callable[[str], object]

SIZE = 500  # characters, and four times as many
NOTHING = 2e-3  # seconds; what is quadratic takes longer over the longer text: no need to compare
LIMIT = 8  # four times the text: four times the time, a little more for caches; sixteen for what is quadratic
PIECES = (
    "quatre-vingt ", "deux mille et ", "06 ", "1 ", "1.", "1,", "0", "12/03/", "12h", "a ", "A", "a.", "a-", "a'", "a_",
    "a@", "- ", " ", "\n", ".", ", ", "(", "[", "<a ", "{{", "de la ", "rue de la ", "12 rue des Lilas 35000 Rennes ",
    "point ", "zero ", "mme ", "Jean ", "Jean-", "é", "n° ", "dossier ", "www.", "http://a", "a/", "[A", "1a", "1-",
    "1:", "A1", "il a 20 ans ", "né le 3 mars 1950 ", "nous ", "votre ", "art. 1-", "« ", "a b c d ", "<b>", "&amp;",
    "①", "e\u0301", "\u200b", "[USAGER] ", "M. Durand, ", "le 06 39 98 12 34 ", "CAF ",
)  # fmt: skip
# A pattern that is written in the call, and the use of one that has a name.
_IN_PLACE = re.compile(r"""\bre\.(search|match|fullmatch|findall|finditer|split|sub)\(\s*(r?"(?:[^"\\\n]|\\.)*")""")
_USE = re.compile(r"\b(_?[A-Z][A-Z_0-9]+)\.(search|match|fullmatch|findall|finditer|split|sub|subn)\(")


def _modules() -> Iterator[object]:
    for found in pkgutil.walk_packages(plume.__path__, "plume."):
        yield importlib.import_module(found.name)


def _patterns() -> dict[re.Pattern[str], tuple[str, Run]]:
    """Every pattern of plume with its name, as it is asked: from one place only, or wherever it may begin."""
    found: dict[re.Pattern[str], tuple[str, Run]] = {}
    sources = {module: Path(module.__file__).read_text(encoding="utf-8") for module in _modules()}
    shared = [use for source in sources.values() for use in _USE.findall(source)]
    for module, source in sources.items():
        where = module.__name__.removeprefix("plume.")
        for name, value in vars(module).items():
            uses = _USE.findall(source) if name.startswith("_") else shared
            for pattern in _inside(value):
                hows = {how for used, how in uses if used == name}
                found.setdefault(pattern, (f"{where}.{name}", _asked(pattern, hows)))
        for how, literal in _IN_PLACE.findall(source):
            pattern = re.compile(ast.literal_eval(literal))
            found.setdefault(pattern, (f"{where}: {literal}", _asked(pattern, {how})))
    return found


def _inside(value: object, depth: int = 0) -> Iterator[re.Pattern[str]]:
    """The compiled patterns in a value of a module: itself, or in what it holds."""
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value
    elif isinstance(value, Rule):
        yield value.compiled
    elif depth < 4 and isinstance(value, tuple | list | set | frozenset | dict):
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            yield from _inside(item, depth + 1)


def _asked(pattern: re.Pattern[str], hows: set[str]) -> Run:
    return pattern.match if hows and hows <= {"match", "fullmatch"} else partial(_exhaust, pattern)


def _exhaust(pattern: re.Pattern[str], text: str) -> None:
    for _ in pattern.finditer(text):
        pass


def _pieces(pattern: re.Pattern[str]) -> list[str]:
    """Texts of the pattern's own making, whole and cut off: repeated, they reach its inner loops again and again."""
    draw = random.Random(repr(pattern.pattern))
    tree = _parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    made = [text for text in (_sample(tree, draw)[:80] for _ in range(5)) if text]
    return [*made, *(f"{text} " for text in made), *(text[: draw.randint(1, len(text))] for text in made)]


def _sample(tree: object, draw: random.Random) -> str:
    """A text that a pattern may match; what looks around is left out."""
    out = []
    for op, value in tree:
        if op is ops.LITERAL:
            out.append(chr(value))
        elif op in (ops.ANY, ops.NOT_LITERAL):
            out.append("x")
        elif op is ops.IN:
            out.append(_member(value, draw))
        elif op is ops.BRANCH:
            out.append(_sample(draw.choice(value[1]), draw))
        elif op is ops.SUBPATTERN:
            out.append(_sample(value[3], draw))
        elif op is ops.ATOMIC_GROUP:
            out.append(_sample(value, draw))
        elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT):
            least, most, inner = value
            out += [_sample(inner, draw) for _ in range(min(most, max(least, draw.choice((0, 1, 2)))))]
    return "".join(out)


def _member(items: list, draw: random.Random) -> str:
    if items[0][0] is ops.NEGATE:
        return draw.choice("x ")
    op, value = draw.choice(items)
    if op is ops.LITERAL:
        return chr(value)
    if op is ops.RANGE:
        return chr(draw.randint(*value))
    return {ops.CATEGORY_DIGIT: "1", ops.CATEGORY_SPACE: " ", ops.CATEGORY_NOT_WORD: "-"}.get(value, "a")


def _grows(run: Run, piece: str) -> bool:
    """Whether four times the text took more than LIMIT times as long, each time that it was tried."""
    short, long = (piece * (size // len(piece) + 1) for size in (SIZE, 4 * SIZE))
    if _seconds(run, long) < NOTHING:
        return False
    for tries in (1, 3, 9):
        once = min(_seconds(run, short) for _ in range(tries))
        if min(_seconds(run, long) for _ in range(tries)) <= LIMIT * max(once, 2e-5):  # what a clock can tell
            return False
    return True


def _seconds(run: Run, text: str) -> float:
    start = time.process_time()
    run(text)
    return time.process_time() - start


def test_a_pattern_takes_time_in_step_with_its_text():
    patterns = _patterns()
    assert len(patterns) > 300
    assert not [
        (name, piece)
        for pattern, (name, run) in patterns.items()
        if _repeats(pattern)
        for piece in dict.fromkeys([*_pieces(pattern), *PIECES])
        if _grows(run, piece)
    ]


def _repeats(pattern: re.Pattern[str]) -> bool:
    """Whether a pattern repeats anything without a bound; one that does not is read in steps of its own length."""
    return re.search(r"[*+]|\{\d*,\}", pattern.pattern) is not None


GIVEN = "Bonjour, le 3 mars 2021 à 9 h, 30 € en 2 mois au 01 99 00 45 67, a@b.fr, art. L. 2, Mme Petit vous écrira."


def _finders() -> dict[str, Run]:
    """Every public function of plume that takes a text and needs nothing else but the directory, and the whole jobs."""
    directory = Directory.load()
    rules = Pseudonymiser(directory=directory)
    found: dict[str, Run] = {}
    for module in _modules():
        for name, function in vars(module).items():
            if name.startswith("_") or not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            parameters = list(inspect.signature(function).parameters.values())
            needed = [p.name for p in parameters if p.default is p.empty]
            if needed in (["text"], ["text", "directory"]) and parameters[0].annotation in (str, str | None):
                arguments = {"directory": directory} if "directory" in needed else {}
                found[f"{module.__name__.removeprefix('plume.')}.{name}"] = partial(_use_up, function, arguments)
    return found | {
        "draft checked": lambda text: check(text, review="Bonjour", prompt="x", directory=directory),
        "review given": lambda text: check(GIVEN, review=text, prompt="x", directory=directory),
        "text masked": rules.mask,
        "pair masked": lambda text: rules.pair(title=None, review=text, reply=GIVEN, pseudonym=text[:30]),
    }


def _use_up(function: Callable, arguments: dict, text: str) -> None:
    done = function(text, **arguments)
    if inspect.isgenerator(done):
        list(done)


def test_a_finder_takes_time_in_step_with_its_text():
    finders = _finders()
    assert {"french.text.plain", "corpus.clean_reply.clean_reply", "pseudonymise.identifiers.find_by_rules"} <= {
        *finders
    }
    for piece in PIECES:  # lists of names are read once
        for run in finders.values():
            run(piece)
    assert not [(name, piece) for name, run in finders.items() for piece in PIECES if _grows(run, piece)]
