"""Whose results lie in a folder: layers may share those of a configuration that they do not change."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from metaocl.config.configuration import Config
from metaocl.config.entry import ConfigError
from metaocl.config.layers import Layer, in_words, merged
from metaocl.config.parsing import canonical_json, parse_config
from metaocl.planning.cells import first_with_facts_of

# By their names results of jobs are kept. Studies are left out: their tables are made anew within seconds.
SECTIONS = ("datasets", "define_types", "models", "plans", "measurements")


def check_results_folder(config: Config, layers: Sequence[Layer], default: Path) -> None:
    """Raises ConfigError where slugs would mean two things in one folder of results.

    The folder is that of the highest layer that names one, or `results/` of the default configuration. What lies over
    that layer may add entries, but not change its own, or the two would take turns to train the same cells.
    """
    number = _owner(layers, default)
    if number is None:
        raise ConfigError(
            f"{in_words(layers)}: has no pathvars; name a folder for its results, for example"
            f" {_example(layers)}: results/ holds those of config/config.yaml"
        )
    owner = layers[number]
    try:
        below = parse_config(merged(layers[: number + 1]), owner.origin)
    except ConfigError:
        return  # without the layers over it, it is no whole configuration, so it has no results
    if changed := _changed(below, config):
        raise ConfigError(
            f"{in_words(layers[number + 1 :])}: changes {', '.join(changed)} of {owner.origin}, whose results are in "
            f"{config.pathvars.results}/; give what is changed a name of its own, or name another folder, for example "
            f"{_example(layers)}"
        )


def _owner(layers: Sequence[Layer], default: Path) -> int | None:
    """The number of the layer whose folder of results it is; None if results/ is that of none."""
    named = [n for n, layer in enumerate(layers) if isinstance(given := layer.keys.get("pathvars"), dict) and given]
    if named and merged(layers).get("pathvars"):
        return named[-1]
    of_default = [n for n, layer in enumerate(layers) if layer.file and layer.file.resolve() == default.resolve()]
    return of_default[0] if of_default else None


def _changed(below: Config, config: Config) -> list[str]:
    """The entries that are in both and mean something else to a job, or whose first models lie elsewhere."""
    changed = [
        f"{section}.{name}"
        for section in SECTIONS
        for name, entry in getattr(below, section).items()
        if (other := getattr(config, section).get(name)) and canonical_json(other) != canonical_json(entry)
    ]
    firsts = {name: first_with_facts_of(name, below) for name in below.datasets if name in config.datasets}
    moved = [name for name, first in firsts.items() if first_with_facts_of(name, config) != first]
    return changed or [f"datasets.{firsts[name]}, the first with the facts of {name}," for name in moved]


def _example(layers: Sequence[Layer]) -> str:
    """What to write for a folder of one's own."""
    file = layers[-1].file
    return f"`pathvars: {{results: results/{file.stem if file else 'mine'}}}`"
