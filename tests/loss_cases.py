"""Every loss in the modes that it takes, with and without its options, and examples for them."""

import pytest
import torch

CLASSES = {"binary": 1, "multiclass": 3, "multilabel": 3}
CASES = [
    ("bce", "binary"),
    ("bce(pos_weight=[1.0, 2.0, 5.0], label_smoothing=0.1)", "multilabel"),
    ("ce", "multiclass"),
    ("ce(class_weights=[1.0, 2.0, 5.0], label_smoothing=0.1)", "multiclass"),
    ("focal(alpha=0.25)", "binary"),
    ("focal(gamma=1.5, alpha=[1.0, 2.0, 5.0])", "multiclass"),
    ("focal(gamma=0.5)", "multilabel"),
    ("dice", "binary"),
    ("dice(per_image=True, squared=True)", "binary"),
    ("dice(smooth=0, class_weights=[1.0, 2.0, 5.0])", "multiclass"),
    ("dice(squared=True)", "multiclass"),
    ("dice(per_image=True)", "multilabel"),
    ("jaccard", "binary"),
    ("jaccard(smooth=0, absent='zero')", "multiclass"),
    ("jaccard(per_image=True)", "multilabel"),
    ("tversky", "binary"),
    ("tversky(alpha=0.5, beta=0.5, smooth=0)", "multiclass"),
    ("tversky(absent='skip', class_weights=[1.0, 2.0, 5.0])", "multilabel"),
    ("focal_tversky", "binary"),
    ("focal_tversky(per_image=True)", "multiclass"),
    ("focal_tversky(gamma=2)", "multilabel"),
    ("generalized_dice(smooth=0)", "binary"),
    ("generalized_dice", "multiclass"),
    ("generalized_dice(weights='simple', per_image=True)", "multilabel"),
    ("mcc(smooth=0)", "binary"),
    ("mcc(per_image=True)", "multiclass"),
    ("mcc", "multilabel"),
    ("lovasz", "binary"),
    ("lovasz(per_image=True)", "multiclass"),
    ("lovasz(absent='count')", "multiclass"),
    ("lovasz(class_weights=[1.0, 2.0, 5.0])", "multilabel"),
    ("soft_bce", "binary"),
    ("soft_bce(pos_weight=2.0, label_smoothing=0.1)", "multilabel"),
    ("soft_ce", "multiclass"),
    ("ohem_ce(threshold=0.5, min_kept=0.9)", "binary"),
    ("ohem_ce(per_image=True)", "multiclass"),
    ("ohem_ce(min_kept=0, label_smoothing=0.1)", "multilabel"),
    ("poly", "binary"),
    ("poly(epsilon=-1, class_weights=[1.0, 2.0, 5.0])", "multiclass"),
    ("poly(epsilon=2, label_smoothing=0.1)", "multilabel"),
    ("unified_focal", "binary"),
    ("unified_focal(gamma=0.2, per_image=True)", "multiclass"),
    ("unified_focal(smooth=0)", "multilabel"),
]
every_case = pytest.mark.parametrize(("expression", "mode"), CASES)


def case_example(mode, shape=(2, 4, 5), seed=0, dtype=torch.float64):
    """Logits and a target for images of a shape (b, h, w)."""
    generator = torch.Generator().manual_seed(seed)
    batch, height, width = shape
    logits = torch.randn(batch, CLASSES[mode], height, width, generator=generator, dtype=dtype) * 2
    if mode == "multiclass":
        return logits, torch.randint(3, shape, generator=generator)
    return logits, torch.randint(2, logits.shape if mode == "multilabel" else shape, generator=generator)


def with_option(expression, option):
    """The expression of one loss with another option."""
    name, _, options = expression.rstrip(")").partition("(")
    return f"{name}({', '.join(filter(None, [options, option]))})"
