import numpy as np
import pytest
import torch
from PIL import Image
from skimage.morphology import skeletonize
from typer.testing import CliRunner
from unetzoo_boundary.border import border_weights
from unetzoo_boundary.cldice import soft_skeleton
from unetzoo_boundary.distances import signed_distance

import unetzoo
from unetzoo.cli import app
from unetzoo.testing import check_loss


@pytest.mark.parametrize("loss", ["boundary", "hausdorff", "cldice", "border_bce"])
def test_the_loss_keeps_the_contract(loss):
    check_loss(loss)


def _square(size=12, start=3, stop=9):
    mask = np.zeros((size, size), dtype=bool)
    mask[start:stop, start:stop] = True
    return mask


def test_distances_are_signed_and_grow_on_both_sides_of_the_boundary():
    actual = signed_distance(_square())[6]
    assert actual.tolist() == [3, 2, 1, 0, -1, -2, -2, -1, 0, 1, 2, 3]


def test_the_boundary_loss_is_the_integral_of_the_paper():
    mask = torch.from_numpy(_square())[None].long()
    logits = torch.randn(1, 1, 12, 12, dtype=torch.float64)
    phi = torch.from_numpy(signed_distance(_square()))
    expected = (phi * (logits[0, 0].sigmoid() - mask[0])).mean()
    torch.testing.assert_close(unetzoo.create_loss("boundary")(logits, mask), expected)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of what MONAI imports
def test_the_hausdorff_loss_is_that_of_monai():
    from monai.losses import HausdorffDTLoss

    torch.manual_seed(0)
    mask = torch.from_numpy(_square())[None].long()
    logits = torch.randn(1, 1, 12, 12)
    theirs = HausdorffDTLoss(sigmoid=True, alpha=2.0, include_background=True)(logits, mask[:, None].float())
    torch.testing.assert_close(unetzoo.create_loss("hausdorff")(logits, mask), theirs, rtol=1e-4, atol=1e-5)


def test_an_error_far_from_the_boundary_costs_more_than_one_beside_it():
    mask = torch.from_numpy(_square())[None].long()
    right = (mask[:, None] * 2.0 - 1) * 8
    near, far = right.clone(), right.clone()
    near[0, 0, 6, 2], far[0, 0, 0, 0] = 8, 8
    for name in ("boundary", "hausdorff"):
        loss = unetzoo.create_loss(name)
        assert loss(right, mask) < loss(near, mask) < loss(far, mask)


def test_the_skeleton_of_a_bar_is_its_middle():
    bar = torch.zeros(1, 1, 9, 15)
    bar[..., 3:6, 2:13] = 1
    actual = soft_skeleton(bar, 3)[0, 0].numpy()
    assert actual[4, 3:12].tolist() == [1] * 9
    assert (actual > 0).sum() <= skeletonize(bar[0, 0].numpy() > 0).sum() + 6


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of what MONAI imports
def test_cldice_is_that_of_monai():
    from monai.losses import SoftclDiceLoss

    torch.manual_seed(0)
    logits, target = torch.randn(1, 3, 16, 16) * 3, torch.randint(3, (1, 16, 16))
    masks = torch.nn.functional.one_hot(target, 3).movedim(3, 1).float()
    theirs = SoftclDiceLoss(iter_=3, smooth=1e-9)
    expected = [theirs(logits.softmax(1)[:, [index]], masks[:, [index]]) for index in (1, 2)]
    torch.testing.assert_close(unetzoo.create_loss("cldice")(logits, target), sum(expected) / 2)


def test_a_cut_through_a_vessel_costs_more_by_cldice_than_by_dice():
    target = torch.zeros(1, 20, 40, dtype=torch.int64)
    target[:, 8:13] = 1
    whole = (target[:, None] * 2.0 - 1) * 8
    cut = whole.clone()
    cut[..., 18:21] = -8
    thin = whole.clone()
    thin[:, :, 8] = -8  # a row less: more pixels than the cut, but all connected
    dice, cldice = unetzoo.create_loss("dice"), unetzoo.create_loss("cldice")
    assert dice(cut, target) < dice(thin, target)
    assert cldice(cut, target) > 3 * cldice(thin, target)


def test_border_weights_are_those_of_the_equation():
    cells = np.zeros((1, 12), dtype=int)
    cells[0, :4], cells[0, 7:] = 1, 2
    # pixels 4, 5 and 6 lie between the cells: d1 + d2 is 1 + 3, 2 + 2, 3 + 1
    weights = border_weights(cells, w0=10.0, sigma=5.0)
    assert weights[0].tolist() == pytest.approx([0] * 4 + [10 * np.exp(-16 / 50)] * 3 + [0] * 5)


def test_one_cell_alone_has_no_borders():
    assert not border_weights(_square().astype(int)).any()


def test_the_command_draws_the_map(tmp_path):
    cells = np.zeros((8, 20), dtype=np.uint8)
    cells[:, :8], cells[:, 10:] = 255, 255
    Image.fromarray(cells).save(tmp_path / "mask.png")
    done = CliRunner().invoke(app, ["border-map", str(tmp_path / "mask.png"), str(tmp_path / "map.png")])
    assert done.output.endswith("map.png: 2 cells, highest weight 0.84 of that of cells which touch\n")
    with Image.open(tmp_path / "map.png") as drawn:
        assert drawn.getpixel((8, 4)) == round(255 * np.exp(-9 / 50))
    missing = CliRunner().invoke(app, ["border-map", str(tmp_path / "none.png"), str(tmp_path / "map.png")])
    assert (missing.exit_code, missing.stderr.startswith("error: cannot read")) == (2, True)


@pytest.mark.parametrize("loss", ["hausdorff(alpha=0)", "cldice(steps=0)", "cldice(smooth=0)", "border_bce(sigma=0)"])
def test_options_outside_their_values_are_refused(loss):
    with pytest.raises(unetzoo.OptionError, match=r"must be a (finite|whole) number"):
        unetzoo.create_loss(loss)
