"""The benchmark's page, as Markdown."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

# A row's label, how many digits to show, whether more is better, and its value as a function of a side's measures.
Row = tuple[str, int, bool, Callable[[dict[str, Any]], float]]


def write_page(measured: dict[str, Any]) -> str:
    """The page of what speed.py measured."""
    machine, code = measured["machine"], measured["code"]
    commit = f"commit {code['commit'][:7]}{'' if code['clean'] else ' with changes'}" if code["commit"] else "no commit"
    head = [
        "# The workflow's speed, next to transformers' Trainer and `generate`",
        f"{measured['date']}, {commit}; {machine['cpus']} cores of {machine['processor']}, "
        f"{machine['device'] or 'no CUDA GPU'}, {machine['system']}; torch {measured['packages']['torch']}, "
        f"transformers {measured['packages']['transformers']}, Python {measured['python']}. Load average at the start: "
        f"{machine['load']:.1f}.",
        "Medians of the repeats. The last column says how many times better the workflow is, as the median of the "
        "ratios of runs that followed each other, with the smallest and the largest; below 1 it is worse. The workflow "
        "runs as a user calls it, from the configuration to the table of metrics. The plain way is one process, which "
        "gets the documents and the first model for nothing; an evaluation takes the losses of all test splits, as the "
        "authors' code does, and answers all questions. Pretrained models are prepared beforehand. For a second "
        "stage-2 seed the workflow goes on from the first stage that it has; the plain way keeps none and begins anew.",
    ]
    works = [part for name, work in measured["works"].items() for part in write_work(name, work)]
    planning = write_planning(measured["planning"]) if "planning" in measured else []
    return "\n\n".join([*head, *works, *planning]) + "\n"


def write_work(name: str, work: dict[str, Any] | None) -> list[str]:
    """A title, the table of a work, and whether both sides found the same."""
    if work is None:
        return [f"## {name}", "Not measured: no CUDA GPU."]
    table = ["| measure | workflow | plain | times better |", "|---|---|---|---|"]
    for row in rows(work):
        table.append(write_row(row, work["pairs"]))
    overhead = median(pair["workflow"]["overhead_seconds"] for pair in work["pairs"])
    agreement = work["agreement"]
    end = "; ".join(
        f"`{test_set}` {found['workflow']:.4f} and {found['plain']:.4f} ({found['questions']:,} questions)"
        for test_set, found in agreement["end"].items()
    )
    return [
        f"## {work['title']}",
        "\n".join(table),
        f"Beside its jobs Snakemake took {overhead:.1f} s. Peak arithmetic: {work['peak_operations'] / 1e12:.3g} "
        f"TFLOP/s, {work['threads']} CPU thread{'s' if work['threads'] > 1 else ''}.",
        f"Exact match at the end, workflow and plain: {end}. Of {agreement['figures']} figures (epoch, test set, "
        f"subset) {agreement['equal']} are equal; the largest difference is {agreement['largest_difference']:.4f}. "
        "Sums over differently padded batches are rounded differently (coarsely in bfloat16, on a GPU), which can tip "
        "a close choice.",
    ]


def rows(work: dict[str, Any]) -> list[Row]:
    """What is compared."""
    sweeps, tokens, steps = work["sweeps"], work["tokens"], work["steps"]
    operations = 6 * work["parameters"] * tokens / work["peak_operations"]
    compared: list[Row] = [
        ("end to end, s", 1, False, lambda side: side["usage"]["seconds"]),
        ("then a second stage-2 seed, s", 1, False, lambda side: side["further_seconds"]),
        ("end to end, core-seconds", 1, False, lambda side: side["usage"]["core_seconds"]),
        ("training, real tokens/s", 0, True, lambda side: tokens / side["train_seconds"]),
        ("training, steps/s", 2, True, lambda side: steps / side["train_seconds"]),
        ("training, % of peak arithmetic", 1, True, lambda side: 100 * operations / side["train_seconds"]),
        ("evaluation, s per sweep", 2, False, lambda side: side["evaluate_seconds"] / sweeps),
        ("of that, answers", 2, False, lambda side: side["answer_seconds"] / sweeps),
        ("start-up and saving, s per process", 1, False, lambda side: side["startup_seconds"]),
        ("peak memory, MB", 0, False, lambda side: side["usage"]["memory"]),
    ]
    if any(pair["plain"]["usage"]["device_memory"] for pair in work["pairs"]):
        compared.append(("peak GPU memory, MB", 0, False, lambda side: side["usage"]["device_memory"]))
    return compared


def write_row(row: Row, pairs: list[dict[str, Any]]) -> str:
    label, digits, more_is_better, value = row
    ours, plain = ([value(pair[side]) for pair in pairs] for side in ("workflow", "plain"))
    better = [o / p if more_is_better else p / o for o, p in zip(ours, plain, strict=True)]
    ratio = f"{median(better):.2f} ({min(better):.2f}–{max(better):.2f})"
    return f"| {label} | {median(ours):,.{digits}f} | {median(plain):,.{digits}f} | {ratio} |"


def write_planning(plans: list[dict[str, float]]) -> list[str]:
    """How planning grows with the number of jobs."""
    table = ["| jobs | s | core-seconds | jobs per core-second | MB |", "|---|---|---|---|---|"]
    for plan in plans:
        rate = plan["jobs"] / plan["core_seconds"]
        times = f"{plan['seconds']:.1f} | {plan['core_seconds']:.1f} | {rate:.0f}"
        table.append(f"| {plan['jobs']:,} | {times} | {plan['memory']:.0f} |")
    return ["## Planning: a dry run of all of the paper's studies, with more seeds", "\n".join(table)]
