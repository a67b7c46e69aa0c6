"""One study of a configuration as a configuration of its own, which names no place on anybody's machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from metaocl.config.configuration import Config
from metaocl.config.models import Model
from metaocl.planning.cells import first_with_facts_of

WITH_PLACES = ("source", "pretrained", "handwriting")  # entries that name files, folders or addresses of the user's own
PATHS = ("path", "folder")  # their keys of files and folders


def single_study(name: str, config: Config) -> dict[str, Any]:
    """The configuration of one study, as YAML would give it: the study and the entries that it needs, with all
    defaults.

    Its results go to a folder of the study's name. Files of claims and hypotheses are left out. Of a place outside the
    folder in which Snakemake runs only the last part stays, and of an address no user and password.
    """
    study = config.studies[name]
    plans = {plan: None for own in study.plans for plan in (own, config.plans[own].branch_of) if plan}
    # The first data set with the same facts says what the base models of the others are trained on.
    datasets = dict.fromkeys(each for own in study.datasets for each in (first_with_facts_of(own, config), own))
    sections = {
        "datasets": datasets,
        "define_types": study.define_types,
        "models": study.models,
        "plans": plans,
        "measurements": study.measurements,
    }
    resolved = config.model_dump(mode="json")
    for plan in resolved["plans"].values():
        if plan["branch_of"]:
            plan["stages"] = plan["stages"][-1:]  # in a file a branch has its last stage alone
    chosen = {section: {key: resolved[section][key] for key in keys} for section, keys in sections.items()}
    top = {"pathvars": {"results": f"results/{name}"}, "keep": config.keep, "study": name}
    return top | {"studies": {name: resolved["studies"][name]}} | without_places(chosen)


def models_in_words(settings: Mapping[str, Any]) -> dict[str, str]:
    """What each model is, of a configuration as `single_study` gives it."""
    return {name: Model(**model).in_words() for name, model in settings["models"].items()}


def without_places(settings: Any, entry: str = "") -> Any:
    """Settings in which a place outside the working folder is its last part alone, and an address has no password.

    entry: the key under which they stand.
    """
    if isinstance(settings, list):
        return [without_places(each) for each in settings]
    if not isinstance(settings, dict):
        return settings
    return {
        key: _public(key, value) if entry in WITH_PLACES and isinstance(value, str) else without_places(value, key)
        for key, value in settings.items()
    }


def _public(key: str, value: str) -> str:
    if key in PATHS:
        place = PurePath(value)
        return place.name if place.is_absolute() or {"..", "~"} & set(place.parts) else value
    if key == "url":
        address = urlsplit(value)
        return urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2]))
    return value
