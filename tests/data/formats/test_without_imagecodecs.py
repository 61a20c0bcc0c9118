import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

_BLOCKED = """
import importlib.machinery, importlib.util, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "imagecodecs":
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Blocker())
import unetzoo
from pathlib import Path
from unetzoo.data.open import survey
from unetzoo.inference.files.options import PredictOptions
from unetzoo.inference.files.jobs import find_jobs
from unetzoo.inference.files.predict import run_jobs

cells = Path(sys.argv[1])
model = unetzoo.create("unet", encoder="plain", in_channels=1, encoder_options={"widths": [1, 1]}).eval()
jobs = find_jobs(cells / "images", cells / "results", PredictOptions())
for call in (
    lambda: survey(cells),
    lambda: list(run_jobs(model, jobs, PredictOptions(), workers=1)),
):
    try:
        call()
    except unetzoo.MissingExtraError as error:
        print(error)
"""


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg"])
def test_a_compression_that_needs_imagecodecs_is_one_line_with_the_extra(compression, tmp_path):
    for name in "abc":
        for kind in ("images", "masks"):
            (tmp_path / kind).mkdir(exist_ok=True)
            picture = Image.fromarray(np.eye(40, dtype=np.uint8))
            picture.save(tmp_path / kind / f"{name}.tif", compression=compression)
    done = subprocess.run([sys.executable, "-c", _BLOCKED, tmp_path], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    for line in lines:
        kind = compression.removeprefix("tiff_").upper()
        message = f"a TIFF compressed by {kind}, needs imagecodecs: pip install"
        assert message in line
