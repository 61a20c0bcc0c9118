"""This project beside segmentation_models_pytorch and MONAI: what each has, takes and becomes, and what it costs."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from benchmarks.page.machine import machine_line
from benchmarks.peers.names import MONAI, OURS, OURS_OTHERS, RUNS, SMP, SMP_DPT, SMP_OWN
from unetzoo.bench.case import Case

Row = tuple[str, str, str, str]
"""What is compared, and a cell for each of `LIBRARIES`."""

LIBRARIES = {"unetzoo": "unetzoo", "segmentation_models_pytorch": "smp", "MONAI": "MONAI"}
"""Their names, and how those of their contenders begin."""
_TITLES = {"unet": "U-Net", "unetpp": "U-Net++"}
_COMPARED = ("resnet34", 512)
_EXPLANATION = """\
Made by `python -m benchmarks.peers`, which builds and runs what it counts, on {date}. Architectures: for images with
two axes; this project's built-in decoders and smp's architectures are tried over a ResNet-18 (its DPT over a small
ViT), MONAI's as they come or with four narrow levels; a network that several names share counts once. An encoder runs
when a U-Net around it gives logits for one image of the model's own size, or of that rounded up to multiples of 32, on
torch's meta device where it can; where it does not, it is built once more for that size (`img_size`). A size is
accepted when logits of that size come back in evaluation mode. Files are written for any batch, height and width from
544 x 608 pixels, and must give the network's logits for 128 x 224. Compiled: `torch.compile(fullgraph=True)` finds one
graph, run by the backend `eager`. Losses: each was run forward and backward; those that only wrap others are left out.
Time and memory are taken from the cases below (resnet34, 512 x 512 pixels, float32, allocator B); at its best is the
fastest way of each library in float32, and MONAI has no U-Net++ that takes a backbone."""


def peers_section(counts: Mapping[str, Any], cases: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table, and why what does not run does not.

    Args:
        counts: the count, see `benchmarks.peers.store`.
        cases: results of the speed benchmark.
    """
    head = f"| | {' | '.join(LIBRARIES)} |\n|---|{'---:|' * len(LIBRARIES)}"
    rows = [*architecture_rows(counts), *encoder_rows(counts), *_losses(counts), *_abilities(counts), *cost_rows(cases)]
    table = "\n".join([head, *(f"| {' | '.join(row)} |" for row in rows)])
    reasons = ["| | does not run, because | how many | for example |", "|---|---|---:|---|", *_reasons(counts)]
    return [machine_line(counts["machine"]), _EXPLANATION.format(date=counts["date"]), table, "\n".join(reasons)]


def _names(reasons: Mapping[str, str], reason: str = RUNS) -> list[str]:
    return reasons.get(reason, "").split()


def _tried(reasons: Mapping[str, str]) -> int:
    return sum(len(names.split()) for names in reasons.values())


def _share(reasons: Mapping[str, str]) -> str:
    return f"{len(_names(reasons)):,} of {_tried(reasons):,}" if reasons else ""


def architecture_rows(counts: Mapping[str, Any]) -> Iterator[Row]:
    """How many networks there are."""
    yield _row(
        "architectures that run",
        [_share(counts["architectures"].get(library, {}).get(RUNS, {})) for library in LIBRARIES],
    )


def encoder_rows(counts: Mapping[str, Any]) -> Iterator[Row]:
    """How many encoders run, those of timm first."""
    timm, others = counts["timm"], counts["other encoders"]
    dpt = f", {len(_names(timm[SMP_DPT]))} more with DPT" if SMP_DPT in timm else ""
    tried = _tried(timm[OURS])
    partly = "" if tried == counts["timm models"] else f", {tried:,} of them tried"
    yield (
        f"encoders of timm, {counts['timm models']:,} names{partly}",
        _share(timm[OURS]),
        _share(timm[SMP]) + dpt,
        "none",
    )
    yield _row("encoders beside those", [_share(others[name]) for name in (OURS_OTHERS, SMP_OWN, MONAI)])


def _losses(counts: Mapping[str, Any]) -> Iterator[Row]:
    yield _row("losses for masks", [_share(counts["losses"][library]) for library in LIBRARIES])


def _abilities(counts: Mapping[str, Any]) -> Iterator[Row]:
    for ability in counts["architectures"]["unetzoo"]:
        if ability != RUNS:
            yield _ability(counts, ability, ability)


def _ability(counts: Mapping[str, Any], title: str, ability: str) -> Row:
    return _row(title, [_share(counts["architectures"].get(library, {}).get(ability, {})) for library in LIBRARIES])


def cost_rows(cases: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Time and memory of each task, as each library comes and at its best."""
    for result in cases:
        case = Case(**result["case"])
        small = case.batch == (1 if case.task == "inference" else 2)
        if (case.encoder, case.size) == _COMPARED and case.device == "cpu" and small and "B" in result["allocators"]:
            yield from _costs_of(case, result["allocators"]["B"])


def _costs_of(case: Case, measured: Mapping[str, Any]) -> Iterator[Row]:
    what = f"{_TITLES[case.decoder]}, " + ("inference" if case.task == "inference" else "a training step of 2 images")
    ways = [[name for name in measured["names"] if _is_of(name, prefix, case)] for prefix in LIBRARIES.values()]
    milliseconds = {name: median(seconds) * 1e3 for name, seconds in measured["seconds"].items()}
    best = [min(names, key=lambda name: milliseconds[name], default="") for names in ways]
    firsts = [names[0] if names else "" for names in ways]
    for title, chosen in (("as it comes", firsts), ("at its best", best)):
        yield _row(f"{what}, {title}: ms", [f"{milliseconds[name]:,.0f}" if name else "" for name in chosen])
        peaks = [f"{measured['peak_bytes'][name] / 2**20:,.0f}" if name else "" for name in chosen]
        yield _row(f"{what}, {title}: peak MiB", peaks)


def _is_of(name: str, prefix: str, case: Case) -> bool:
    own = prefix != "MONAI" or case.decoder == "unet"
    return own and name.startswith(prefix) and "bfloat16" not in name


def _row(title: str, cells: Sequence[str]) -> Row:
    first, second, third = cells
    return title, first, second, third


def _reasons(counts: Mapping[str, Any]) -> Iterator[str]:
    """A row for each reason, of encoders first."""
    parts = {**counts["timm"], **counts["other encoders"]}
    parts |= {f"{library}, losses": reasons for library, reasons in counts["losses"].items()}
    for library, tried in counts["architectures"].items():
        parts |= {f"{library}, {ability}": reasons for ability, reasons in tried.items()}
    for who, reasons in parts.items():
        for reason, names in reasons.items():
            if reason != RUNS:
                some = names.split()
                yield f"| {who} | {_escaped(reason)} | {len(some)} | {', '.join(some[:3])} |"


def _escaped(text: str) -> str:
    return f"`{text.replace('|', '/').replace('`', chr(39))}`"
