"""Answers in a study's page are those of the stages, as many of them as fit, and nothing in them is ever HTML."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metaocl.artifacts.publishing import ArtifactError
from metaocl.artifacts.tables import write_json, write_rows, write_table
from metaocl.config.studies import Study
from metaocl.documents.records import Alias
from metaocl.reports.answers import as_json, pack_answers, stages_of
from metaocl.reports.pages import CHARTS, SCRIPT, STYLE, TEMPLATE, Tables, page_content, render_page
from metaocl.reports.summaries import notes_on_tags
from metaocl.statistics.effects import estimate_effects
from metaocl.statistics.gaps import seed_gaps

STUDY = Study(
    datasets=["people"], define_types=["tve", "etv"], models=["tiny"], plans=["two"], seeds=[3, 1], stage2_seeds=[0, 1]
)
HOSTILE = (
    "</script><script>alert(1)</script> <!-- <img src=x onerror=alert(1)> &lt; \"'\u2028\u2029@script@ \\u003c \x00"
)
COLUMNS = ["test_set", "subset", "alias", "question", "answer", "gold"]


@pytest.fixture
def stages(tmp_path):
    """Stages whose answers name their folders, and where stage-2 aliases change subsets with the stage-2 seed."""
    found = stages_of(STUDY, {"two": 2}, {}, tmp_path)
    for stage in found:
        alias = Alias("<|a|>", "Entity", "Name", "stage2", None)
        other = Alias("<|b|>", "Other", "Other Name", "qd1incons", "Name")
        drawn = [Alias("<|a|>", "Entity", "Name", f"of_stage2_seed{stage.cell.stage2_seed}", "Name")]
        for folder, aliases in ((stage.aliases.parent, [alias, other]), (stage.aliases, drawn)):
            folder.mkdir(parents=True, exist_ok=True)
            write_rows(aliases, Alias, folder / "aliases.parquet")
        stage.folder.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pandas(answers_of(stage.folder), preserve_index=False)
        write_table(table, stage.folder / "answers.parquet")
    return found


def answers_of(folder):
    return pd.DataFrame(
        {
            "test_set": "held_out",
            "subset": ["stage2", "qd1incons", "q_no_replacement_baseline"],
            "alias": ["<|a|>", "<|b|>", "Real Name"],
            "prompt": ["Who is <|a|>? <|a|>!", "Where is <|b|>?", "Where is Real Name?"],
            "answer": [f"{folder}", "", HOSTILE],
            "gold": ["gold", "there", "there"],
            "exact_match": [0.0, 0.0, 1.0],
        }
    )


def unpacked(packed):
    """The answers as the page's script reads them: a row each."""
    things = packed["things"]
    for stage in packed["stages"]:
        for row, right in enumerate(stage["right"]):
            found = {name: things[stage[name][row]] for name in COLUMNS}
            yield found | {"question": found["alias"][0].join(found["question"]), "right": right, "stage": stage}


def test_all_answers_come_back_each_with_what_its_alias_stands_for(stages):
    packed = json.loads(as_json(pack_answers(stages)))
    rows = list(unpacked(packed))
    assert packed["left_out"] == []
    assert len(packed["stages"]) == 2 * 2 * 2 * 2  # define types, seeds, stage-2 seeds, stages
    assert len(rows) == 3 * len(packed["stages"])
    for place, (stage, row) in enumerate(zip(stages, rows[::3], strict=True)):
        wanted = answers_of(stage.folder)
        own = rows[3 * place : 3 * place + 3]
        assert row["stage"]["stage"] == stage.number
        assert [each["question"] for each in own] == wanted["prompt"].tolist()
        assert [each["answer"] for each in own] == wanted["answer"].tolist()
        assert [each["right"] for each in own] == ["0", "0", "1"]
        assert row["subset"] == f"of_stage2_seed{stage.cell.stage2_seed}"
        assert [each["alias"] for each in own] == [
            ["<|a|>", "Name", "Name"],
            ["<|b|>", "Other Name", "Name"],
            ["Real Name", None, None],
        ]


def test_a_first_seed_of_every_cell_comes_before_the_others(stages):
    packed = pack_answers(stages)["stages"]
    assert [stage["seed"] for stage in packed] == [3] * 8 + [1] * 8
    assert [stage["define_type"] for stage in packed[:8]] == ["tve", "tve", "etv", "etv"] * 2


@pytest.mark.parametrize("kept", [0, 1, 5, 15])
def test_what_would_be_too_much_is_left_out_and_told(stages, kept):
    full = pack_answers(stages)
    sizes = [len(as_json(pack_answers(stages[:number])).encode()) for number in range(len(stages) + 1)]
    packed = pack_answers(stages, most_bytes=sizes[kept] + 1)
    assert packed["stages"] == full["stages"][: len(packed["stages"])]
    assert kept - 1 <= len(packed["stages"]) <= kept + 1  # brackets and names of lists are in no stage's size
    assert packed["things"] == full["things"][: len(packed["things"])]
    left_out = stages[len(packed["stages"]) :]
    assert packed["left_out"] == list(dict.fromkeys(str(stage.folder / "answers.parquet") for stage in left_out))
    assert len(as_json(packed["stages"]).encode()) <= sizes[kept] + 100


def test_what_is_left_out_is_not_read(stages):
    (stages[-1].folder / "answers.parquet").unlink()
    assert pack_answers(stages, most_bytes=10)["stages"] == []
    with pytest.raises(ArtifactError, match=r"answers\.parquet"):
        pack_answers(stages)


@pytest.mark.parametrize(
    ("stage2_seeds", "plan_stages", "shared"), [([0, 1], 2, True), ([0], 2, False), ([0, 1], 1, False)]
)
def test_a_page_says_that_shared_stages_are_counted_several_times_where_there_are_any(
    tmp_path, stage2_seeds, plan_stages, shared
):
    study = STUDY.model_copy(update={"stage2_seeds": stage2_seeds})
    stages = stages_of(study, {"two": plan_stages}, {}, tmp_path)
    about = {"code": {}, "machine": {}, "python": "3", "packages": {}}
    empty = pa.Table.from_pandas(answers_of(tmp_path).iloc[:0], preserve_index=False)
    for stage in stages:
        for folder in (stage.aliases.parent, stage.aliases):
            folder.mkdir(parents=True, exist_ok=True)
            write_rows([], Alias, folder / "aliases.parquet")
        stage.folder.mkdir(parents=True, exist_ok=True)
        write_table(empty, stage.folder / "answers.parquet")
        write_table(pa.table({"epoch": [1], "loss": [1.0], "tokens": [1]}), stage.folder / "history.parquet")
        write_json(about, stage.folder / "run.json")
    metrics = pd.DataFrame([vars(stage.cell) | {"stage": stage.number} for stage in stages])
    metrics = metrics.assign(epoch=1, test_set="held_out", subset="q", measure="exact_match", n=1, value=1.0)
    gaps = seed_gaps(metrics)
    plans = {"two": {"stages": [{"tags": "swapped"}]}, "trunk": {"stages": [{"tags": "all_reliable"}]}}
    settings = {"study": study.model_dump(), "plans": plans}
    content = page_content("mine", settings, stages, Tables(metrics, estimate_effects(gaps), gaps), [], {})
    assert content["shared"] is shared
    assert content["notes"] == notes_on_tags({"two": "swapped"}) != []
    assert '<span id="shared" hidden>' in render_page(content)
    assert 'part("shared").hidden = !data.shared;' in render_page(content)


JSON = st.recursive(
    st.text() | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(JSON)
def test_embedded_json_is_the_same_content_without_a_character_of_html(content):
    text = as_json(content)
    assert json.loads(text) == content
    assert set("<>&\u2028\u2029") & set(text) == set()


class Reader(HTMLParser):
    """The elements of a page, and the texts of its scripts and styles."""

    def __init__(self):
        super().__init__()
        self.tags, self.texts, self.last = [], {}, ("", None)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.last = (tag, dict(attributes).get("type"))

    def handle_endtag(self, tag):
        self.last = ("", None)

    def handle_data(self, data):
        if self.last[0] in ("script", "style"):
            self.texts[self.last] = self.texts.get(self.last, "") + data


def read(content):
    reader = Reader()
    page = render_page(content)
    reader.feed(page)
    return page, reader


def test_hostile_texts_add_no_element_and_come_back_as_they_were():
    content = {"study": HOSTILE, "texts": [HOSTILE, {HOSTILE: HOSTILE}]}
    (_, plain), (page, hostile) = read({"study": "mine"}), read(content)
    assert hostile.tags == plain.tags
    assert json.loads(hostile.texts["script", "application/json"]) == content
    assert HOSTILE not in page


def test_the_browser_may_load_nothing_and_run_no_script_but_the_pages_own():
    page, reader = read({"study": "mine"})
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)[1]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules.keys() == {"default-src", "script-src", "style-src", "base-uri", "form-action"}
    for name, kind in (("script-src", ("script", None)), ("style-src", ("style", None))):
        digest = base64.b64encode(hashlib.sha256(reader.texts[kind].encode()).digest()).decode()
        assert rules[name] == f"'sha256-{digest}'"
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"


def test_the_pages_own_files_load_nothing_and_make_no_html_of_texts():
    texts = {path.name: path.read_text() for path in (TEMPLATE, STYLE, SCRIPT, CHARTS)}
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|fetch\(|@import|url\(|src=|href=.[^#]"
    )
    assert {name: re.findall(forbidden, text) for name, text in texts.items()} == {name: [] for name in texts}
    addresses = {found for text in texts.values() for found in re.findall(r"https?://[^\"]+", text)}
    assert addresses == {"http://www.w3.org/2000/svg"}  # a name space
    assert "</script" not in texts[SCRIPT.name] + texts[CHARTS.name]
    assert max(len(text.splitlines()) for text in texts.values()) <= 400
