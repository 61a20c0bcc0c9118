import sys

import numpy as np
import pytest
from PIL import Image
from processes import start

import unetzoo
from unetzoo.data.open import survey
from unetzoo.inference.files.jobs import find_jobs
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.predict import run_jobs


class _Blocker:
    """Nobody finds imagecodecs, which a process has not imported yet."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "imagecodecs":
            raise ModuleNotFoundError(name, name=name)


def _read(say, cells):
    assert "imagecodecs" not in sys.modules
    sys.meta_path.insert(0, _Blocker())
    model = unetzoo.create("unet", encoder="plain", in_channels=1, encoder_options={"widths": [1, 1]}).eval()
    jobs = find_jobs(cells / "images", cells / "results", PredictOptions())
    for call in (lambda: survey(cells), lambda: list(run_jobs(model, jobs, PredictOptions(), workers=1))):
        try:
            call()
        except unetzoo.MissingExtraError as error:
            say(str(error))


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg"])
def test_a_compression_that_needs_imagecodecs_is_one_line_with_the_extra(compression, tmp_path):
    for name in "abc":
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir(exist_ok=True)
            picture = Image.fromarray(np.eye(40, dtype=np.uint8))
            picture.save(tmp_path / kind / f"{name}.tif", compression=compression)
    lines = [*start(_read, tmp_path)[1]]
    assert len(lines) == 2
    for line in lines:
        kind = compression.removeprefix("tiff_").upper()
        message = f"a TIFF compressed by {kind}, needs imagecodecs: pip install"
        assert message in line
        assert "\n" not in line
