"""Fixtures of the tests of masking: the rules alone, and with the recogniser."""

import pytest

from plume.pseudonymise import Pseudonymiser
from plume.pseudonymise.recogniser.ner import load_ner


@pytest.fixture(scope="module")
def rules() -> Pseudonymiser:
    return Pseudonymiser()


@pytest.fixture(scope="module")
def full() -> Pseudonymiser:
    return Pseudonymiser(load_ner())
