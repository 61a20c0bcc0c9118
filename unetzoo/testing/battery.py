"""Check all rules of a part, or of all parts of a plugin."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from unetzoo.errors import ContractError
from unetzoo.options import build_part, options_of
from unetzoo.registry.host import host, plugins_of
from unetzoo.registry.registry import Offer, Spec
from unetzoo.specs import CommandSpec, DecoderSpec, EncoderFamily, EncoderSpec, EngineSpec, FormatSpec, Lazy, RecipeSpec
from unetzoo.testing import (
    dataset_rules,
    decoder_rules,
    encoder_rules,
    engine_rules,
    format_rules,
    loss_rules,
    object_rules,
    recipe_rules,
)
from unetzoo.testing.rules import Make, OverAxes, Result, Rule, Trial, demand, trials

RULES: dict[str, tuple[Rule, ...]] = {
    "encoder": encoder_rules.RULES,
    "decoder": decoder_rules.RULES,
    "loss": loss_rules.RULES,
    "object": object_rules.RULES,
    "dataset": dataset_rules.RULES,
    "format": format_rules.RULES,
    "engine": engine_rules.RULES,
    "recipe": recipe_rules.RULES,
}
_RESERVED: dict[str, dict[str, Any]] = {"encoder": {"pretrained": False}}
_SAMPLED = 3  # encoders of a family

Part = str | Callable[..., Any]


def check_encoder(encoder: Part, *, options: Mapping[str, Any] | None = None, spatial_dims: int = 2) -> None:
    """Check every rule of the contract of encoders.

    Args:
        encoder: its name, or its class or builder.
        options: its options.
        spatial_dims: the number of axes over which it is checked: 2 for images, 3 for volumes.

    Raises:
        ContractError: names each broken rule and the problem.
        UnknownNameError: there is no such encoder.
    """
    _check("encoder", encoder, options, spatial_dims)


def check_decoder(decoder: Part, *, options: Mapping[str, Any] | None = None, spatial_dims: int = 2) -> None:
    """Check every rule of the contract of decoders, like `check_encoder`."""
    _check("decoder", decoder, options, spatial_dims)


def check_loss(loss: Part, *, options: Mapping[str, Any] | None = None) -> None:
    """Check every rule of the contract of losses, like `check_encoder`."""
    _check("loss", loss, options)


def check_objects(coding: Part, *, options: Mapping[str, Any] | None = None) -> None:
    """Check every rule of the contract of object codings, like `check_encoder`."""
    _check("object", coding, options)


def check_dataset(dataset: Part, *, options: Mapping[str, Any] | None = None) -> None:
    """Check every rule of the contract of data sets, like `check_encoder`."""
    _check("dataset", dataset, options)


def check_format(format_: str | FormatSpec) -> None:
    """Check every rule of the contract of formats.

    Args:
        format_: its name, or its spec.

    Raises:
        ContractError: names each broken rule and the problem.
        UnknownNameError: there is no such format.
    """
    _check_spec("format", format_)


def check_engine(engine: str | EngineSpec) -> None:
    """Check every rule of the contract of engines, like `check_format`."""
    _check_spec("engine", engine)


def check_recipe(recipe: str | RecipeSpec) -> None:
    """Check every rule of the contract of recipes, like `check_format`."""
    _check_spec("recipe", recipe)


def check_plugin(distribution: str) -> "Report":
    """Check every rule of every part of a plugin; of a family of encoders, of its examples.

    Raises:
        UnknownNameError: there is no such plugin.
    """
    return Report(tuple(trial.run() for trial in trials_of_plugin(distribution)))


@dataclass(frozen=True)
class Report:
    """The results of all rules."""

    results: tuple[Result, ...]

    @property
    def holds(self) -> bool:
        """True if no rule is broken."""
        return all(result.holds for result in self.results)


def trials_of_plugin(distribution: str) -> list[Trial]:
    """All rules for the plugins of a distribution; UnknownNameError if it has none."""
    infos = plugins_of(distribution)
    plugins = [info.name for info in infos]
    result = [Trial(f"plugin {info.name}", _is_whole, lambda info=info: info) for info in infos]
    for kind, offers in host().offers.items():
        for offer in offers:
            if offer.plugin in plugins:
                result += _trials_of_offer(kind, offer)
    return result


def _trials_of_offer(kind: str, offer: Offer) -> list[Trial]:
    if not isinstance(offer.item, EncoderFamily):
        return _trials_of_spec(kind, offer.item)
    names = sorted(offer.item.names())
    chosen = offer.item.examples or names[:: max(1, len(names) // _SAMPLED)][:_SAMPLED]
    return [trial for name in chosen for trial in _trials_of_spec(kind, offer.spec(name))]


def _trials_of_spec(kind: str, spec: Spec) -> list[Trial]:
    part = f"{kind} {spec.name}"
    rules = [Trial(part, _has_a_summary, lambda: spec)]
    if isinstance(spec, CommandSpec):
        return [*rules, Trial(part, _can_be_imported, lambda: spec)]
    if isinstance(spec, FormatSpec | EngineSpec | RecipeSpec):
        return rules + trials(part, RULES[kind], lambda: spec)
    rules.append(Trial(part, _options_are_plain, lambda: options_of(kind, spec.build)))
    if not isinstance(spec, EncoderSpec | DecoderSpec):
        return rules + trials(part, RULES[kind], _maker(kind, spec.name, spec.build, {}))
    for dims in spec.spatial_dims:
        over = part if dims == 2 else f"{part}, spatial_dims={dims}"
        rules += trials(over, RULES[kind], _maker(kind, spec.name, spec.build, {}, dims))
    return rules


def _check(kind: str, part: Part, options: Mapping[str, Any] | None, spatial_dims: int = 2) -> None:
    if isinstance(part, str):
        spec = host().registries[kind].find(part).spec
        label, build = f"{kind} {spec.name}", spec.build
    else:
        label, build = f"{kind} {getattr(part, '__name__', part)}", part
    _raise_broken(label, kind, _maker(kind, label, build, options or {}, spatial_dims))


def _check_spec(kind: str, part: str | FormatSpec | EngineSpec | RecipeSpec) -> None:
    spec = host().registries[kind].find(part).spec if isinstance(part, str) else part
    _raise_broken(f"{kind} {spec.name}", kind, lambda: spec)


def _raise_broken(label: str, kind: str, make: Make) -> None:
    results = [trial.run() for trial in trials(label, RULES[kind], make)]
    broken = [f"{result.rule}: {result.problem}" for result in results if not result.holds]
    if broken:
        listed = "\n".join(f"- {line}" for line in broken)
        raise ContractError(f"{label} breaks {len(broken)} of {len(results)} rules:\n{listed}")


def _maker(
    kind: str, name: str, build: Lazy | Callable[..., Any], options: Mapping[str, Any], spatial_dims: int = 2
) -> Make:
    """A function that builds the part with the arguments of a rule, which are options for losses and object codings."""
    own: dict[str, Any] = dict(_RESERVED.get(kind, {}))
    if kind == "encoder" and spatial_dims != 2:
        own["spatial_dims"] = spatial_dims

    def make(**arguments: Any) -> Any:  # noqa: ANN401 - the kind says what
        if kind in ("loss", "object"):
            return build_part(kind, name, build, {}, {**options, **arguments})
        return build_part(kind, name, build, {**own, **arguments}, options)

    return OverAxes(make, spatial_dims)


def _is_whole(make: Callable[..., Any]) -> None:
    """It is active, without problems, and no other plugin provides a part of the same name."""
    info = make()
    demand(info.status == "active", f"it is {info.status}: {'; '.join(info.problems)}")
    shared = [part for part in info.conflicts if part in info.parts]
    demand(not shared, f"other plugins also provide {', '.join(shared)}")


def _has_a_summary(make: Callable[..., Any]) -> None:
    """Its summary is one line of at most 120 characters."""
    summary = make().summary
    demand(bool(summary) and "\n" not in summary and len(summary) <= 120, f"it is {summary!r}")


def _can_be_imported(make: Callable[..., Any]) -> None:
    """Its function can be imported."""
    build = make().build
    demand(callable(build.resolve() if isinstance(build, Lazy) else build), f"{build!r} is not a function")


def _options_are_plain(make: Callable[..., Any]) -> None:
    """Every option has a default that JSON can represent."""
    for option in make():
        demand(not option.required, f"{option.name} has no default")
        try:
            json.dumps(option.default)
        except TypeError:
            demand(False, f"the default of {option.name} is {option.default!r}")
