"""The pages build as a site without a warning, in which every link leads somewhere and nothing is fetched."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXTERNAL = re.compile(r'(?:src=|<link [^>]*?href=)"?https?://[^">]+')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    pytest.importorskip("mkdocs", reason="mkdocs, which is optional, is not installed: make .venv/site")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "WARNING" not in run.stderr
    return folder


def test_every_page_is_in_the_site_and_in_its_list(site):
    pages = {*ROOT.glob("docs/*.md"), ROOT / "CONTRIBUTING.md", ROOT / "config/README.md", ROOT / "results/README.md"}
    built = [str(page.relative_to(ROOT).with_suffix(".html")).replace("README", "index") for page in sorted(pages)]
    assert len(built) > 15
    index = (site / "index.html").read_text(encoding="utf-8")
    assert [name for name in built if not (site / name).is_file() or f'href="{name}"' not in index] == []


def test_links_and_pictures_of_the_site_lead_somewhere(site):
    missing = set()
    for page in site.rglob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#?:]+)["#?]', page.read_text(encoding="utf-8")):
            place = site / target[1:] if target.startswith("/") else page.parent / target
            if not (place / "index.html" if place.is_dir() else place).is_file():
                missing.add(f"{page.relative_to(site)}: {target}")
    assert missing == set()
    assert (site / "results/reference/training_curves.png").is_file()
    assert (site / "docs/tour.ipynb").is_file()


def test_code_within_lists_is_code_and_no_page_fetches_anything_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "```" not in re.sub(r"<(pre|code)\b.*?</\1>", "", text, flags=re.DOTALL), page.name
        assert EXTERNAL.findall(text) == [], page.name
