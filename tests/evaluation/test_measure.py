import numpy as np

from unetzoo.evaluation.bootstrap import Bootstrap
from unetzoo.evaluation.measure import Measurement, hausdorff_notes


def _measured(masks, truths):
    measurement = Measurement(("rest", "cell"), surface=True)
    for number, (mask, truth) in enumerate(zip(masks, truths, strict=True)):
        measurement.add(str(number), mask, truth)
    return measurement.summed_up(Bootstrap(len(masks), resamples=50, seed=0), resamples=50, seed=0)


def _squares(count, shift=0):
    masks = np.zeros((count, 48, 64), np.int64)
    masks[:, 10 + shift : 30 + shift, 20:40] = 1
    return masks


def test_who_misses_objects_is_not_better_in_the_penalised_hausdorff_distance():
    truths = _squares(4)
    shifted, missed = truths.copy(), truths.copy()
    shifted[2:], missed[2:] = _squares(2, shift=6), 0
    poor, none = _measured(shifted, truths), _measured(missed, truths)
    assert poor.classes[1]["Hausdorff 95"].value == 3 > none.classes[1]["Hausdorff 95"].value == 0
    assert poor.classes[1]["Hausdorff 95 penalised"].value == 3
    assert none.classes[1]["Hausdorff 95 penalised"].value == np.hypot(48, 64) / 2  # the diagonal in two of four


def test_it_says_how_many_images_a_hausdorff_distance_is_the_mean_of():
    truths = _squares(4)
    missed = truths.copy()
    missed[2:] = 0
    evaluation = _measured(missed, truths)
    assert evaluation.classes[1]["Hausdorff 95"].images == 2
    assert [sentence.partition(" images")[0] for sentence in hausdorff_notes(evaluation)] == [
        "Hausdorff 95 of cell: over 2 of the 4"
    ]
    assert not hausdorff_notes(_measured(truths, truths))


def test_the_mean_and_the_order_of_cases_do_not_depend_on_a_stray_pixel_of_an_absent_class():
    truths = np.zeros((3, 20, 20), np.int64)
    stray = truths.copy()
    stray[0, 0, 0] = 1
    measurement = Measurement(("rest", "cell"))
    for mask, truth in zip(stray, truths, strict=True):
        measurement.add("image", mask, truth)
    evaluation = measurement.summed_up(Bootstrap(3, resamples=50, seed=0), resamples=50, seed=0)
    assert evaluation.classes[1]["IoU"].value == 0
    assert evaluation.mean["IoU"].value == evaluation.classes[0]["IoU"].value > 0.999
    assert evaluation.cases[0].mean_iou == 399 / 400
