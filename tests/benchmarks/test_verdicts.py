from benchmarks.claims import networks
from benchmarks.claims.page import claims_section
from benchmarks.claims.verdicts import claims

_SECONDS = {f"U-Net++ L{level}": [seconds] for level, seconds in enumerate((0.1, 0.2, 0.5, 1.0), start=1)} | {
    f"patches of {side} px, sliding": [float(side)] for side in (17, 33, 65)
}


def _network(name, seed, iou, *, levels=()):
    pruned = [{"level": level, "mean IoU": one, "parameters": level * 10**6} for level, one in enumerate(levels, 1)]
    return {
        "name": name,
        "combination": {"seed": seed, "data": "nuclei"},
        "accuracy": {"mean": {"IoU": iou}},
        "pruned": pruned,
    }


def _measured(*results, unet=0.1, patches=()):
    seconds = _SECONDS | {networks.UNET: [unet]}
    return {"networks": list(results), "patches": list(patches), "speed": {"side": 512, "seconds": seconds}}


def _named(measured, words):
    return [claim for claim in claims(measured) if words in claim.says]


def test_a_network_that_is_better_with_every_seed_makes_the_claim_hold():
    results = [_network(networks.UNET, seed, 0.80 + seed / 100) for seed in range(3)]
    results += [_network(networks.NESTED, seed, 0.83 + seed / 100) for seed in range(3)]
    (claim,) = _named(_measured(*results), "more accurate than U-Net (nuclei: 92.6")
    assert claim.measured == "U-Net++ 84.00, U-Net 81.00: +3.00 ± 0.00"
    assert (claim.seeds, claim.verdict) == (3, "holds")


def test_pruning_tells_what_each_level_loses_and_saves_against_the_whole():
    results = [_network(networks.SUPERVISED, seed, 0.9, levels=(0.7, 0.8, 0.895, 0.9)) for seed in range(2)]
    (claim,) = _named(_measured(*results), "Pruned to L3")
    assert claim.measured.split("; ") == [
        "L1: 1.00 of 4.00 M parameters, 90 % less time, -20.00 ± 0.00 points",
        "L2: 2.00 of 4.00 M parameters, 80 % less time, -10.00 ± 0.00 points",
        "L3: 3.00 of 4.00 M parameters, 50 % less time, -0.50 ± 0.00 points",
    ]
    assert claim.verdict == "holds"


def test_pruning_that_loses_more_than_a_point_does_not_hold():
    results = [_network(networks.SUPERVISED, seed, 0.9, levels=(0.7, 0.8, 0.88, 0.9)) for seed in range(2)]
    assert _named(_measured(*results), "Pruned to L3")[0].verdict == "opposite"


def test_pruning_is_not_decided_where_the_seeds_differ_by_too_much():
    results = [_network(networks.SUPERVISED, seed, 0.9, levels=(0.7, 0.8, 0.9 - seed / 10, 0.9)) for seed in range(2)]
    assert _named(_measured(*results), "Pruned to L3")[0].verdict == "not decided"  # -5 ± 64 points
    assert _named(_measured(results[0]), "Pruned to L3")[0].verdict == "not decided"  # one seed


def test_a_sliding_window_is_compared_with_the_network_for_the_whole_image():
    (claim,) = _named(_measured(unet=0.5), "far faster")
    assert claim.measured == "17 s at 17 px, 33 s at 33 px, 65 s at 65 px; U-Net 0.50 s, 34 times as fast at least"
    assert claim.verdict == "holds"
    assert _named(_measured(unet=5.0), "far faster")[0].verdict == "opposite"


def test_what_was_not_measured_is_no_row():
    nothing = {"networks": [], "patches": [], "speed": {}}
    assert claims(nothing) == []
    assert claims_section(nothing)[1].count("\n") == 1  # the head of the table alone


def test_means_are_those_of_the_seeds_that_both_have():
    results = [_network(networks.UNET, seed, iou) for seed, iou in enumerate((0.8, 0.8, 0.2))]
    results += [_network(networks.NESTED, seed, 0.9) for seed in range(2)]
    (claim,) = _named(_measured(*results), "more accurate than U-Net (nuclei: 92.6")
    assert claim.measured == "U-Net++ 90.00, U-Net 80.00: +10.00 ± 0.00"
    assert claim.seeds == 2
