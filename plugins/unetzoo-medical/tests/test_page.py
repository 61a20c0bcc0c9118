from pathlib import Path

import nibabel
import numpy as np
from written import commands, run_commands, run_python

_PAGE = Path(__file__).parents[3] / "docs" / "radiology.md"
_STEPS = (-0.75, -0.5, 4)


def test_the_example_of_the_page_runs(tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(0)
    affine = np.diag([*_STEPS, 1])
    for number, name in enumerate("abcd"):
        mask = np.zeros((40, 36, 4), np.uint8)
        mask[10:25, 8 : 28 + number, 1:4] = 1
        values = (300.0 * mask + random.normal(0, 20, mask.shape)).astype(np.int16)
        for folder, array in (("images", values), ("masks", mask)):
            path = tmp_path / "livers" / folder / f"{name}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = nibabel.Nifti1Image(array, affine)
            image.header.set_xyzt_units("mm")
            image.to_filename(path)
    text = _PAGE.read_text(encoding="utf-8")
    lines = [f"{line} --encoder plain" if " train " in line else line for line in commands(text)]
    done = dict(zip(lines, run_commands(lines, tmp_path), strict=True))
    for line, (status, output, errors) in done.items():
        assert (line, status) == (line, 0), output + errors
    assert "4 volumes, read as 16 slices along z, with masks: 3 train, 1 val" in done["unetzoo data check livers/"][1]
    result = nibabel.load(tmp_path / "results" / "a.nii.gz")
    np.testing.assert_allclose(result.affine, affine, atol=1e-6)
    monkeypatch.chdir(tmp_path)
    names = run_python(text, _PAGE.name)
    assert "Dice of 4 cases" in capsys.readouterr().out
    assert names["milliliters"] == (names["probabilities"].argmax(0) == 1).sum() * 0.75 * 0.5 * 4 / 1000
    assert names["result"].unit == "mm"
