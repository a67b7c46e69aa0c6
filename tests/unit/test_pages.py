"""The pages for readers: what they link to is there, and the README leads to each of them."""

import re
from pathlib import Path

import pytest
import yaml

from metaocl.config.models import Model

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "config/README.md", ROOT / "results/README.md"]
LINK = re.compile(r"\]\(([^)\s]+)\)")


def links(page: Path) -> list[tuple[Path, str]]:
    """File and anchor of each link of a page into the project; its code blocks have none."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    targets = [target.partition("#") for target in LINK.findall(text) if "://" not in target]
    return [((page.parent / path).resolve() if path else page, anchor) for path, _, anchor in targets]


def anchors(page: Path) -> set[str]:
    """The names that GitHub gives to a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    shown = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading) for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in shown}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page):
    for target, anchor in links(page):
        assert target.exists(), f"{page.name} links to {target}, which is not there"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page.name} links to #{anchor}, which is not in {target.name}"


def test_the_readme_leads_to_every_page():
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        reached.add(page)
        ahead += [target for target, _ in links(page) if target in PAGES and target not in reached]
    assert set(PAGES) - reached == {ROOT / "CHANGELOG.md"}


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_pretrained_models_of_the_page_of_models_say_how_large_they_are():
    """A cluster is asked for memory and time by it."""
    page = (ROOT / "docs/models.md").read_text(encoding="utf-8")
    example = re.findall(r"^```yaml\n(models:.*?)```", page, re.MULTILINE | re.DOTALL)[0].replace("COMMIT", "a" * 40)
    models = [Model.model_validate(model) for model in yaml.safe_load(example)["models"].values()]
    assert len([model for model in models if model.pretrained]) == 3
    assert [model for model in models if model.pretrained and not model.parameters] == []
