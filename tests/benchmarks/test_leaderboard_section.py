from leaderboard_results import result

from benchmarks.page.leaderboard import leaderboard_section


def test_a_line_a_network_with_the_best_first_and_what_failed_last():
    seeds = enumerate((0.7, 0.8, 0.9))
    runs = [
        result("fpn", error="OptionError: no"),
        result("linknet", latency=0.02, iou=0.5),
        *(result("unet", seed=seed, iou=iou) for seed, iou in seeds),
    ]
    *_, table = leaderboard_section({"runs": runs})
    assert table.splitlines()[2:] == [
        "| unet | resnet18 | 0.8000 | 0.2484 | 10.0 | 1 | 1.00 | 1.00 | yes |  |",  # 4.303 * 0.1 / sqrt(3)
        "| linknet | resnet18 | 0.5000 |  | 20.0 | 1 | 1.00 | 1.00 |  |  |",
        "| fpn | resnet18 |  |  |  |  |  |  |  | OptionError: no |",
    ]


def test_the_budget_and_the_machine_are_told():
    machine, budget, _ = leaderboard_section({"runs": [result()]})
    assert machine.startswith("a CPU (AVX2), 2 threads")
    assert "for 5 steps of 2 x 32 px (crops" in " ".join(budget.split())
    assert "2026-01-01" in budget
