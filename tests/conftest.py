from pathlib import Path

import pytest
from throwaway import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An empty folder for throw-away distributions."""
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder)
