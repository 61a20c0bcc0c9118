"""The simulated loop of labeling."""

from benchmarks import labeling
from benchmarks.labeling import LabelingRun, labeling_rows, measure_run


def test_each_round_labels_images_of_the_pool_that_had_no_labels(monkeypatch):
    monkeypatch.setattr(labeling, "_ROUNDS", 2)
    run = LabelingRun("spots", "disagreement", seed=0, steps=1)
    result = measure_run(run)
    assert len(result["IoU"]) == 2
    assert len(set(result["labeled"])) == len(result["labeled"]) == 8
    assert set(result["labeled"]) <= set(range(36))


def test_the_table_has_the_mean_over_the_seeds():
    results = [
        {"combination": {"data": "spots", "strategy": "random", "seed": seed}, "IoU": [0.1 + seed, 0.2, 0.3, 0.4]}
        for seed in (0, 1)
    ]
    *_, row = labeling_rows(results)
    assert row == "| spots | random | 60.0 | 20.0 | 30.0 | 40.0 | 2 |"
