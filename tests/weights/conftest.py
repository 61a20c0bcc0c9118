"""A saved network."""

import pytest
from saved import INFO, small_model

import unetzoo


@pytest.fixture
def saved(tmp_path):
    return unetzoo.save(small_model(), tmp_path / "cells", info=INFO)
