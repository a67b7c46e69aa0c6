"""Hooks of mkdocs: the site has the pages that the README leads to, in its order, at their places in the repository."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#]+)[^)]*\)")
FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)


def on_config(config: Any) -> Any:
    """Lists the pages, and gives headings the anchors that they have on GitHub."""
    config.nav = [str(path) for path in _files() if path.suffix == ".md" and path.parts[:2] != ("results", "reference")]
    config.mdx_configs["toc"] = {"slugify": _anchor}
    return config


def on_files(files: Files, config: Any) -> Files:
    """Takes the pages, and what they link to, in place of the folder of documents alone."""
    for file in [file for file in files if file.src_dir == config.docs_dir]:
        files.remove(file)
    for path in [*_files(), *map(Path, config.extra_css)]:
        files.append(File(str(path), str(ROOT), config.site_dir, use_directory_urls=False))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Leaves the text alone of a link to a folder, of which there is no page."""
    folder = Path(page.file.abs_src_path).parent
    return LINK.sub(lambda link: link[1] if (folder / link[2]).is_dir() else link[0], markdown)


def _files() -> list[Path]:
    """The README, all pages that it leads to, and all files that they link to, in their order, from the root."""
    found = [ROOT / "README.md"]
    for path in found:
        text = FENCE.sub("", path.read_text(encoding="utf-8")) if path.suffix == ".md" else ""
        linked = [(path.parent / target).resolve() for _, target in LINK.findall(text) if "://" not in target]
        found += [file for file in dict.fromkeys(linked) if file.is_file() and file not in found]
    return [path.relative_to(ROOT) for path in found]


def _anchor(heading: str, separator: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", separator)
