from pathlib import Path

import nibabel
import numpy as np
from written import commands, run_commands, run_python

_PAGE = Path(__file__).parents[3] / "docs" / "radiology.md"


def test_the_example_of_the_page_runs(tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(0)
    affine = np.diag([-0.75, -0.5, 4, 1])
    for name in "abc":
        mask = np.zeros((40, 36, 4), np.uint8)
        mask[10:25, 8:30, 1:4] = 1
        values = (300.0 * mask + random.normal(0, 20, mask.shape)).astype(np.int16)
        for folder, array in (("images", values), ("masks", mask)):
            path = tmp_path / "livers" / folder / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            nibabel.Nifti1Image(array, affine).to_filename(path)
    text = _PAGE.read_text(encoding="utf-8")
    lines = [f"{line} --encoder plain" if " train " in line else line for line in commands(text)]
    for line, (status, output, errors) in zip(lines, run_commands(lines, tmp_path), strict=True):
        assert (line, status) == (line, 0), output + errors
    np.testing.assert_allclose(nibabel.load(tmp_path / "results" / "a.nii.gz").affine, affine, atol=1e-6)
    monkeypatch.chdir(tmp_path)
    run_python(text, _PAGE.name)
    assert " ml; the first voxel lies at [0. 0. 0.] mm" in capsys.readouterr().out
