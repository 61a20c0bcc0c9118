"""The simulated loop of labeling."""

from benchmarks import labeling
from benchmarks.labeling import LabelingRun, measure_run
from benchmarks.page.labeling import labeling_rows, labeling_section


def test_each_round_labels_images_of_the_pool_that_had_no_labels(monkeypatch):
    monkeypatch.setattr(labeling, "_ROUNDS", 2)
    run = LabelingRun("spots", "disagreement", seed=0, steps=1)
    result = measure_run(run)
    assert len(result["IoU"]) == 2
    assert len(set(result["labeled"])) == len(result["labeled"]) == 8
    assert set(result["labeled"]) <= set(range(36))


def _run(strategy, seed, scores):
    combination = {"data": "spots", "strategy": strategy, "seed": seed}
    return {"combination": combination, "IoU": scores, "labeled": list(range(4 * len(scores)))}


def test_the_table_has_the_mean_over_the_seeds_and_images_at_random_first():
    results = [_run("random", seed, [0.1 + seed, 0.2, 0.3]) for seed in (0, 1)] + [_run("entropy", 0, [0, 0.5, 0.25])]
    head, _, *rows = labeling_rows(results)
    assert head == "| data | images by | 4 labeled | 8 labeled | 12 labeled | seeds |"
    assert rows == ["| spots | random | 60.0 | 20.0 | 30.0 | 2 |", "| spots | entropy | 0.0 | 50.0 | 25.0 | 1 |"]


def test_ways_to_choose_are_compared_with_chance_by_seed_after_the_first_round():
    results = [_run("random", seed, [0.9, 0.2 + seed / 10, 0.3]) for seed in range(3)]
    results += [_run("entropy", seed, [0.1, 0.3 + seed / 10, 0.4 + seed / 1000]) for seed in range(3)]
    text, _, notes = labeling_section(results)
    assert "learns from 4 images at random, then 4 more" in " ".join(text.split())
    # 10, 10.05 and 10.1 points; Student's t with two degrees of freedom: 4.303 * 0.05 / sqrt(3)
    assert notes == "- spots, by entropy instead of at random: +10.05 ± 0.12 points over 3 seeds; that it helps: holds."
