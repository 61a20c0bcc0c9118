import pytest
import torch

from unetzoo.errors import TargetError
from unetzoo.losses.target import IGNORED, as_masks, make_pair, masked_mean, mode_of

BINARY, THREE = (2, 1, 4, 5), (2, 3, 4, 5)
INTEGERS = [torch.uint8, torch.int8, torch.int16, torch.uint16, torch.int32, torch.uint32, torch.int64, torch.uint64]


def _refusal(logits, target, ignore_index=None):
    with pytest.raises(TargetError) as caught:
        make_pair(logits, target, ignore_index)
    return str(caught.value)


def _ids(*values, shape=(2, 4, 5)):
    """Class ids that are 0 but for these."""
    ids = torch.zeros(shape, dtype=torch.int64)
    ids.view(-1)[: len(values)] = torch.tensor(values)
    return ids


@pytest.mark.parametrize(
    ("logits", "target", "mode"),
    [
        (BINARY, (2, 4, 5), "binary"),
        (BINARY, (2, 1, 4, 5), "binary"),
        (THREE, (2, 4, 5), "multiclass"),
        (THREE, THREE, "multilabel"),
        ((4, 4, 4, 4), (4, 4, 4), "multiclass"),
    ],
)
def test_the_shapes_say_the_mode(logits, target, mode):
    assert mode_of(torch.zeros(logits), torch.zeros(target)) == mode


@pytest.mark.parametrize("dtype", [torch.bool, *INTEGERS, torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_a_mask_of_any_dtype_is_zeros_and_ones_in_the_dtype_of_the_logits(dtype):
    mask = _ids(1, 0, 1)
    pair = make_pair(torch.zeros(BINARY), mask.to(dtype), None)
    assert pair.target.dtype == torch.float32
    assert torch.equal(pair.target, mask[:, None].float())
    assert pair.valid is None


@pytest.mark.parametrize("dtype", INTEGERS)
def test_class_ids_of_any_integer_dtype_are_taken(dtype):
    ids = _ids(2, 1, 2)
    assert torch.equal(make_pair(torch.zeros(THREE), ids.to(dtype), None).target, ids)


def test_ignored_pixels_have_no_class_and_are_in_no_mask():
    pair = make_pair(torch.zeros(THREE), _ids(255, 2).to(torch.uint8), 255)
    assert pair.target.view(-1)[:3].tolist() == [IGNORED, 2, 0]
    assert pair.valid.view(-1)[:3].tolist() == [False, True, True]
    assert as_masks(pair).sum(1).view(-1)[:3].tolist() == [0, 1, 1]


def test_a_negative_ignore_index_does_not_hit_255_in_uint8():
    assert "255" in _refusal(torch.zeros(THREE), _ids(255).to(torch.uint8), -1)


@pytest.mark.parametrize("target", [torch.zeros(2, 4, 5), torch.zeros(BINARY).half()])
def test_floating_point_masks_may_have_ignored_pixels(target):
    target.view(-1)[1] = 255
    pair = make_pair(torch.zeros(BINARY), target, 255)
    assert pair.valid.sum() == 39
    assert not pair.target.any()


def test_masks_of_class_ids_are_those_of_torch():
    ids = torch.randint(3, (2, 4, 5))
    pair = make_pair(torch.zeros(THREE), ids, None)
    assert torch.equal(as_masks(pair), torch.nn.functional.one_hot(ids, 3).movedim(3, 1).float())


@pytest.mark.parametrize(
    ("stored", "computed"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ],
)
def test_half_precision_is_widened_and_no_other(stored, computed):
    pair = make_pair(torch.zeros(BINARY, dtype=stored), _ids(), None)
    assert (pair.logits.dtype, pair.target.dtype) == (computed, computed)


def test_a_mean_of_nothing_is_zero_with_a_gradient_of_zero():
    values = torch.tensor([3.0, 4.0], requires_grad=True)
    mean = masked_mean(values, torch.tensor([False, False]))
    mean.backward()
    assert mean == 0
    assert values.grad.tolist() == [0, 0]


def test_a_class_id_that_is_too_large_is_named_with_the_classes_there_are():
    assert _refusal(torch.zeros(THREE), _ids(3, 7, 7)) == (
        "the target holds 3, 7 (in 3 of 40 values), but the ids of the 3 classes of logits (2, 3, 4, 5) are 0 to 2; "
        "renumber the ids, or create the network with classes=8"
    )


@pytest.mark.parametrize("value", [255, -100, -1])
def test_a_value_that_often_marks_ignored_pixels_is_met_with_ignore_index(value):
    message = _refusal(torch.zeros(THREE), _ids(value, value))
    assert message.startswith(f"the target holds {value} (in 2 of 40 values)")
    assert message.endswith(f"if {value} marks pixels that do not count, pass ignore_index={value}")


def test_what_is_ignored_already_is_said_when_another_value_is_strange():
    assert _refusal(torch.zeros(THREE), _ids(255, -1), 255).endswith("one value can be ignored, now ignore_index=255")


def test_of_many_strange_values_the_first_five_are_named():
    assert "holds 3, 4, 5, 6, 7, ... (in 7 of 40 values)" in _refusal(torch.zeros(THREE), _ids(3, 4, 5, 6, 7, 8, 9))


def test_a_mask_of_0_and_255_is_met_with_both_things_it_may_mean():
    assert _refusal(torch.zeros(BINARY), _ids(255).to(torch.uint8)) == (
        "the target holds 255 (in 1 of 40 values), but a binary target holds only 0 and 1; if 255 is the foreground, "
        "pass target > 0; if 255 marks pixels that do not count, pass ignore_index=255"
    )


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (0.25, "the target holds 0.25 (in 1 of 40 values), but a binary target holds only 0 and 1; only soft_bce"),
        (float("nan"), "the target holds nan (in 1 of 40"),
        (2.0, "make it a mask, e.g. by target > 0"),
        (-1.0, "if -1 marks pixels that do not count, pass ignore_index=-1"),
    ],
)
def test_a_mask_of_other_numbers_is_refused(value, hint):
    target = torch.zeros(2, 4, 5)
    target[0, 0, 0] = value
    assert hint in _refusal(torch.zeros(BINARY), target)


def test_a_multilabel_target_is_refused_for_its_values_too():
    assert "but a multilabel target holds only 0 and 1" in _refusal(torch.zeros(THREE), _ids(2, shape=THREE))


@pytest.mark.parametrize(
    ("logits", "target", "message"),
    [
        (BINARY, (2, 4, 6), "(2, 4, 6) does not fit logits (2, 1, 4, 5); expected a mask (2, 4, 5) of 0 and 1"),
        (THREE, (2, 8, 10), "expected class ids (2, 4, 5), or for multilabel one mask per class (2, 3, 4, 5)"),
        (THREE, (2, 1, 4, 5), "target.squeeze(1) drops the axis of length 1"),
        (THREE, (2, 4, 5, 3), "target.movedim(-1, 1) puts the classes first"),
        ((2, 4, 5), THREE, "logits must be (b, k, h, w), got (2, 4, 5); they come first, then the target"),
    ],
)
def test_shapes_that_fit_no_mode_are_refused_with_those_that_would(logits, target, message):
    assert message in _refusal(torch.zeros(logits), torch.zeros(target))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool])
def test_class_ids_must_be_integers(dtype):
    message = _refusal(torch.zeros(THREE), torch.zeros(2, 4, 5, dtype=dtype))
    assert (
        message
        == f"a multiclass target must hold class ids of an integer dtype, got {dtype}; target.long() converts it"
    )


def test_logits_must_be_floating_point():
    assert "logits must be floating point, got torch.int64" in _refusal(_ids(shape=BINARY), torch.zeros(2, 4, 5))


def test_what_is_no_tensor_is_refused_by_its_type():
    assert "the target must be a torch.Tensor, got ndarray" in _refusal(torch.zeros(BINARY), _ids().numpy())


def test_two_devices_are_named():
    message = _refusal(torch.zeros(BINARY), torch.zeros(2, 4, 5, device="meta"))
    assert message == "logits are on cpu, the target on meta; move it with target.to(...)"
