"""A study's page, opened in Chromium as wide as on a desk and on a phone: what is searched is found and can be read."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import pandas as pd
import pyarrow as pa
import pytest
import yaml
from project import STAGE1, change_config, planned_jobs, snakemake

from metaocl.artifacts.tables import write_table
from metaocl.claims.verdicts import judge
from metaocl.config.claims import read_claims
from metaocl.design.cells import CELL
from metaocl.reports.pages import render_page

PAGE = "results/pages/tiny.html"
HOSTILE = "</script><script>document.title='hacked'</script><img src=x onerror=\"document.title='hacked'\"><b>&amp;"
WIDTHS = [1200, 390]
LEFT_OUT = [f"results/stages/people/{HOSTILE}/a_model_with_a_long_name/two_stages/seed{seed}" for seed in range(3)]
AT_EITHER_WIDTH = pytest.mark.parametrize("width", [str(width) for width in WIDTHS])
PRESET = "#q=WORD&stage=2&cell=people/tve/tiny/two_stages&unknown=1"
# What is then typed and chosen, one after the other.
STEPS = {
    "all": {"q": "", "stage": "", "cell": ""},
    "hostile": {"q": "onerror  SCRIPT"},
    "wrong": {"q": "", "right": "wrong"},
}
# A page around the page: opens it at each width, types, and leaves what it saw as its only text.
DRIVER = """<!doctype html><body><script>
const wait = (time) => new Promise((done) => setTimeout(done, time));
const textsOf = (place, kind) => Array.from(place.querySelectorAll(kind), (found) => found.textContent);
async function look(width, address) {
  const frame = document.createElement("iframe");
  Object.assign(frame, { width, height: 844, src: address });
  await new Promise((done) => { frame.onload = done; document.body.append(frame); });
  const [view, page] = [frame.contentWindow, frame.contentDocument];
  const seen = () => ({
    found: page.getElementById("found").textContent,
    rows: Array.from(page.querySelectorAll("#rows tbody tr"), (row) => textsOf(row, "td > :first-child")),
    address: view.location.hash,
  });
  const result = { preset: seen() };
  for (const [step, fields] of Object.entries(STEPS)) {
    for (const [name, value] of Object.entries(fields)) {
      const field = page.querySelector(`[name=${name}]`);
      if (field) field.value = value;
    }
    page.getElementById("search").dispatchEvent(new view.Event("input", { bubbles: true }));
    await wait(300);
    result[step] = seen();
  }
  page.getElementById("more").click();
  result.more = seen();
  while (page.querySelector("details:not([open])")) {
    for (const fold of page.querySelectorAll("details")) fold.open = true;
    await wait(100);
  }
  const fields = Array.from(page.querySelectorAll("input, select, button"));
  return {
    ...result,
    beyond: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    unlabelled: fields.filter((field) => !(field.labels?.length || field.textContent)).length,
    charts: textsOf(page, "figcaption"),
    parts: Object.fromEntries(Array.from(page.querySelectorAll("section"), (part) => [part.id, part.textContent])),
    title: page.title,
    foreign: page.querySelectorAll("img, b").length,
  };
}
(async () => {
  const seen = {};
  for (const [name, [width, address]] of Object.entries(VIEWS)) seen[name] = await look(width, address);
  document.body.textContent = JSON.stringify(seen);
})();
</script></body>"""


@pytest.fixture(scope="module")
def workspace(finished_run, tmp_path_factory):
    """A finished run with the page of its study, in which a question, its answer and its gold are hostile."""
    folder = shutil.copytree(finished_run, tmp_path_factory.mktemp("page") / "finished", symlinks=True)
    path = folder / STAGE1 / "answers.parquet"
    answers = pd.read_parquet(path)
    answers.loc[0, ["prompt", "answer", "gold"]] = [f"{HOSTILE} {answers['alias'][0]}?", HOSTILE, f"gold {HOSTILE}"]
    write_table(pa.Table.from_pandas(answers, preserve_index=False), path)
    part = {"contrast": "ocl", "cells": {"define_types": ["tve"]}, "must_be": "above", "threshold": -0.5}
    tests = [{"study": study, "minimum_seeds": 2, "parts": [part]} for study in ("tiny", "plans")]
    claims = {"claims": [{"id": "hostile", "statement": f"It is so. {HOSTILE}", "tests": tests}]}
    (folder / "claims.yaml").write_text(yaml.safe_dump(claims))
    change_config(folder, lambda config: config.update(claims=["claims.yaml"]))
    run = snakemake("pages", cwd=folder)
    assert re.findall(r"^Job \d+: (\w+ \w+ \w+)", run.stdout + run.stderr, re.MULTILINE) == ["Write the page"]
    return folder


@pytest.fixture(scope="module")
def answers(workspace):
    """All answers of the study, in the page's order of stages, with the names that aliases stand for."""
    tables = []
    for seed in (0, 1):
        for define_type in ("tve", "tve_uninformative"):
            documents = workspace / f"results/documents/people/{define_type}/seed{seed}"
            names = pd.concat(pd.read_parquet(path) for path in documents.rglob("aliases.parquet"))
            names = names.drop_duplicates("alias").set_index("alias")["name"]
            for number, stage in enumerate(("stage1", "stage2_seed0"), start=1):
                folder = workspace / f"results/stages/people/{define_type}/tiny/two_stages/seed{seed}/{stage}"
                table = pd.read_parquet(folder / "answers.parquet")
                tables.append(table.assign(define_type=define_type, stage=number, name=table["alias"].map(names)))
    return pd.concat(tables)


@pytest.fixture(scope="module")
def content(workspace):
    """The data in the page."""
    page = (workspace / PAGE).read_text()
    return json.loads(re.search(r'<script type="application/json" id="content">(.*?)</script>', page)[1])


@pytest.fixture(scope="module")
def word(answers):
    """A word of few answers, in capitals: the last gold answer's."""
    return answers["gold"].iloc[-1].split()[0].upper()


@pytest.fixture(scope="module")
def seen(workspace, content, word):
    """What the browser shows at each width, after a link that presets the search; and of a page without its answers.

    Also what it complained of.
    """
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium on this machine (on Debian: apt install chromium)")
    place = workspace / "results/pages/driver.html"
    without = content | {"answers": {"things": [], "stages": [], "left_out": LEFT_OUT}}
    place.with_name("without.html").write_text(render_page(without))
    views = {str(width): (width, "tiny.html" + PRESET.replace("WORD", word)) for width in WIDTHS}
    views["without answers"] = (390, "without.html")
    place.write_text(DRIVER.replace("VIEWS", json.dumps(views)).replace("STEPS", json.dumps(STEPS)))
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=20000"]
    # For the driver to see into the page; files are strangers to each other.
    command = [browser, *options, "--allow-file-access-from-files", "--dump-dom", place.as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    shown = html.unescape(re.search(r"<body>(.*)</body>", run.stdout, re.DOTALL)[1])
    return json.loads(shown) | {"complaints": [line for line in run.stderr.splitlines() if "CONSOLE" in line]}


def told(rows):
    """What the page says of some answers."""
    return f"{len(rows):,} answer{'s' * (len(rows) != 1)}, {100 * (rows['exact_match'] == 1).mean():.1f} % right."


def shown(rows, most=50):
    """Alias, question, answer with its mark, and gold of the first rows, spaces aside."""
    marks = rows["exact_match"].map({0.0: "✗", 1.0: "✓"})
    columns = zip(rows["alias"], rows["prompt"], marks + rows["answer"], rows["gold"], strict=True)
    return [list(map(squeezed, texts)) for texts in columns][:most]


def squeezed(text):
    return " ".join(text.split())


def of_page(step):
    return [list(map(squeezed, row[:4])) for row in step["rows"]]


@AT_EITHER_WIDTH
def test_a_link_presets_the_search_and_the_rows_are_those_of_the_tables(seen, answers, word, width):
    chosen = answers[(answers["define_type"] == "tve") & (answers["stage"] == 2)]
    texts = chosen[["alias", "name", "prompt", "answer", "gold"]].agg("\n".join, axis=1).str.lower()
    wanted = chosen[texts.str.contains(word.lower(), regex=False)]
    assert 0 < len(wanted) < len(chosen)
    assert seen[width]["preset"]["found"].startswith(told(wanted))
    assert of_page(seen[width]["preset"]) == shown(wanted)


@AT_EITHER_WIDTH
def test_what_is_typed_and_chosen_is_shown_counted_and_remembered(seen, answers, width):
    everything, wrong, more = (seen[width][step] for step in ("all", "wrong", "more"))
    assert everything["found"] == f"{told(answers)} The first 50 are shown."
    assert of_page(everything) == shown(answers)
    missed = answers[answers["exact_match"] != 1]
    assert wrong["found"].startswith(told(missed))
    assert of_page(wrong) == shown(missed)
    assert of_page(more) == shown(missed, most=100)
    assert wrong["address"] == "#right=wrong"


@AT_EITHER_WIDTH
def test_hostile_texts_are_shown_as_they_are(seen, answers, width):
    hostile = answers.iloc[:1]
    assert seen[width]["hostile"]["found"] == told(hostile)
    assert of_page(seen[width]["hostile"]) == shown(hostile)
    assert (seen[width]["title"], seen[width]["foreign"]) == ("Study tiny", 0)


@AT_EITHER_WIDTH
def test_the_page_does_not_scroll_sideways_and_its_fields_have_labels(seen, width):
    assert (seen[width]["beyond"], seen[width]["unlabelled"]) == (0, 0)


def test_a_page_without_all_answers_says_which_are_left_out(seen):
    view = seen["without answers"]
    assert (view["all"]["found"], view["beyond"], view["foreign"]) == ("0 answers.", 0, 0)
    assert "The answers of 3 stages are not in this page" in view["parts"]["answers"]
    assert [file for file in LEFT_OUT if file not in view["parts"]["answers"]] == []


def test_the_browser_complains_of_nothing(seen):
    assert seen["complaints"] == []


@AT_EITHER_WIDTH
def test_every_part_shows_what_the_study_left(seen, workspace, width):
    parts = seen[width]["parts"]
    record = json.loads((workspace / STAGE1 / "run.json").read_text())
    assert [text for text in record["packages"].values() if text not in parts["environment"]] == []
    assert record["machine"]["system"] in parts["environment"]
    assert "8 stages by " in parts["environment"]
    gaps = pd.read_parquet(workspace / "results/tables/tiny/gaps.parquet")
    (claim, _) = read_claims([workspace / "claims.yaml"])
    verdict = judge(claim, gaps, {})
    assert f"{verdict.verdict.capitalize()}: It is so. {HOSTILE}" in parts["claims"]
    assert verdict.reason in parts["claims"]
    assert [text for text in ("tve_uninformative", "learning_rate", "n_embd") if text not in parts["settings"]] == []
    assert "Meta-OCL (D5 − D6" in parts["effects"]
    assert len(seen[width]["charts"]) == 2 * len({"training loss", "held_out", "attribution", "as_defined"})


def test_answers_add_up_to_the_numbers_of_the_tables(content, workspace):
    metrics = pd.read_parquet(workspace / "results/tables/tiny/metrics.parquet")
    metrics = metrics[metrics["measure"] == "exact_match"]
    things, place = content["answers"]["things"], [*CELL, "seed", "stage"]
    for stage in content["answers"]["stages"]:
        own = metrics[(metrics[place] == [stage[key] for key in place]).all(axis="columns")]
        last = own[own["epoch"] == own["epoch"].max()].set_index(["test_set", "subset"])
        kinds = [[things[number] for number in stage[column]] for column in ("test_set", "subset")]
        right = pd.Series([int(digit) for digit in stage["right"]]).groupby(kinds)
        assert right.count().to_dict() == last["n"].to_dict()
        assert right.mean().to_dict() == pytest.approx(last["value"].to_dict())


def test_effects_and_histories_are_those_of_the_tables(content, workspace):
    effects = pd.read_parquet(workspace / "results/tables/tiny/effects.parquet")
    rows = [row for group in content["effects"] for row in group["rows"]]
    assert sorted(row["mean"] for row in rows) == sorted(effects["mean"])
    metrics = pd.read_parquet(workspace / "results/tables/tiny/metrics.parquet")
    chosen = metrics[(metrics["measure"] == "exact_match") & (metrics["test_set"] == "held_out")]
    steps = pd.read_parquet(workspace / STAGE1 / "history.parquet").merge(
        pd.read_parquet(workspace / STAGE1.replace("seed0", "seed1") / "history.parquet"), on="step"
    )
    for history in content["histories"]:
        runs = chosen[(chosen[CELL] == history["cell"]).all(axis="columns")]
        assert history["starts"] == [0, 2]
        (chart,) = [each for each in history["charts"] if each["title"] == "exact match, held-out questions"]
        for line in chart["lines"]:
            own = runs[runs["subset"] == line["name"]]
            ends = own[own["stage"] == 2].groupby("epoch")["value"].mean()
            assert line["epochs"] == [1, 2, 3, 4]
            assert line["mean"][2:] == pytest.approx(ends.tolist(), abs=1e-4)
            assert all(
                low is None or low <= mean <= high
                for low, mean, high in zip(line["low"], line["mean"], line["high"], strict=True)
            )
    first = steps[steps["epoch_x"] == 1]
    loss = sum((first[f"loss_{x}"] * first[f"tokens_{x}"]).sum() / first[f"tokens_{x}"].sum() for x in "xy") / 2
    assert content["histories"][0]["charts"][0]["lines"][0]["mean"][0] == pytest.approx(loss, rel=1e-3)


def test_the_report_holds_the_page(workspace, content):
    snakemake("pages", "--report", "report.zip", cwd=workspace)
    shutil.unpack_archive(workspace / "report.zip", workspace)
    (page,) = (workspace / "report/data").rglob("tiny.html")
    assert page.read_bytes() == (workspace / PAGE).read_bytes()


def test_an_edit_of_the_page_writes_it_again_and_nothing_else(workspace, content):
    looks = workspace / "scripts/metaocl/reports/page.css"
    looks.write_text(f"{looks.read_text()}\n")
    assert planned_jobs("all", "pages", cwd=workspace) == {"write_page": 1, "pages": 1}
