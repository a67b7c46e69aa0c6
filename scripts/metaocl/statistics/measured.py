"""From what was measured of single aliases to rows of a study's table; and the same aliases under either tag."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from metaocl.design.subsets import STAGE2_POOL, TAG_OF_SUBSET

WITH = "with_"  # the subset of new aliases with a tag, whatever their own: with_reliable, …
SIDES = ("reliable", "unreliable")
# In a run and in its twin with swapped tags: the side that an alias of a subset is on.
OWN = {"d1consis": "with_reliable", "d2consis": "with_unreliable"}
SWAPPED = {"d1consis": "with_unreliable", "d2consis": "with_reliable"}
KEYS = ["epoch", "subset", "measure"]


def measured_metrics(own: pd.DataFrame, twins: Sequence[pd.DataFrame] = ()) -> pd.DataFrame:
    """Means over aliases: epoch, subset, measure (`measure:place` where there is a place), n, value.

    own: the table of a measurement, with the columns of `metaocl.mechanisms.measured.Measured`. twins: the same of
    runs with other tags. A row per subset, from definitions with its own tag, or of aliases measured with one tag alone
    from that one: they were trained with it; and per tag that aliases were measured with, whatever their own, of those
    that were measured with both the reliable and the unreliable tag.
    """
    own, *twins = (_with_places(table) for table in (own, *twins))
    own_tag = own["subset"].map(TAG_OF_SUBSET)
    alone = own.groupby(["alias", "measure", "epoch"])["tag"].transform("nunique") == 1
    as_trained = own[(own["tag"] == "") | (own["tag"] == own_tag) | (alone & own_tag.notna())]
    everything = pd.concat([own, *twins])
    tagged = everything[everything["tag"] != ""]
    sides = tagged[tagged["tag"].isin(SIDES)].groupby(["alias", "measure", "epoch"])["tag"].nunique()
    both = sides[sides == len(SIDES)].index
    keys = pd.MultiIndex.from_frame(tagged[["alias", "measure", "epoch"]])
    by_tag = tagged[keys.isin(both)]
    groups = (as_trained, by_tag.assign(subset=WITH + by_tag["tag"]))
    return pd.concat([weighted_means(rows, KEYS) for rows in groups], ignore_index=True)


def pair_aliases(own: pd.DataFrame, twin: pd.DataFrame, subset_of: pd.Series) -> list[pd.DataFrame]:
    """The metrics by alias of a run, and of its twin with swapped tags: in both together each new alias has either tag.

    Tables as `metaocl.documents.metrics.mean_by_alias` makes them; `subset` is then with_reliable or with_unreliable.
    """
    parts = []
    for by_alias, side in ((own, OWN), (twin, SWAPPED)):
        sides = by_alias["alias"].map(subset_of.map(side))
        kept = (by_alias["subset"] == STAGE2_POOL) & sides.notna()
        parts.append(by_alias[kept].assign(subset=sides[kept]))
    return parts


def weighted_means(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The keys, n and value of each group of rows: their n is added up, their value averaged with n as its weight."""
    weighted = rows.assign(value=rows["value"] * rows["n"])
    sums = weighted.groupby(keys, sort=False)[["n", "value"]].sum().reset_index()
    return sums.assign(value=sums["value"] / sums["n"])


def _with_places(table: pd.DataFrame) -> pd.DataFrame:
    """The place of a measure in its name."""
    placed = table["measure"] + ":" + table["place"]
    return table.assign(measure=table["measure"].where(table["place"] == "", placed))
