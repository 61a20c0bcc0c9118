"""What stands behind a number and is not seen in it."""

from unetzoo.evaluation.evaluate import HAUSDORFF, Evaluation


def behind(evaluation: Evaluation) -> list[str]:
    """Of which images a Hausdorff distance is the mean, where these are not all that have the class.

    It improves where whole objects are missed, as their images do not count then.
    """
    if HAUSDORFF not in evaluation.mean:
        return []
    sentences = []
    for index, (name, numbers) in enumerate(zip(evaluation.class_names, evaluation.classes, strict=True)):
        having = sum(case.class_iou[index] is not None for case in evaluation.cases)
        if numbers[HAUSDORFF].images < having:
            sentences.append(
                f"{HAUSDORFF} of {name}: over {numbers[HAUSDORFF].images:,} of the {having:,} images that have it in "
                "the mask or in the prediction; it is in only one of both in the others"
            )
    return sentences
