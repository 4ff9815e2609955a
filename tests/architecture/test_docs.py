"""Test that the documents name only files, headings and commands of `make` that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.test_tree import ROOT, files

FENCE = re.compile(r"(?ms)^```.*?^```")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PATH = re.compile(r"\.?[\w.*-]+(/[\w.*-]+)+/?|[\w-]+\.(py|md|toml|sql|ftl|yml|lua)")
PLACEHOLDER = re.compile(r"(?<![A-Za-z])(NAME|NNNN(_name)?|REVISION|0001-title)(?![A-Za-z])")
# Programs of the product write these files. The last ones are objects of Kubernetes.
WRITTEN = ("build/", ".local/", ".venv/", "deployment/")
# A page can leave out the folder that it is about.
FOLDERS = (".", "tests", "services", "db/functions", "docs/adr")
TARGET = re.compile(r"(?m)(?:`|^)make ([a-z][\w-]*)")


def documents() -> Iterator[tuple[Path, str]]:
    for path in files():
        if path.suffix == ".md":
            yield path, path.read_text()


def headings(page: str) -> set[str]:
    """Return the anchors that a reader's program makes from the headings of a page."""
    titles = re.findall(r"(?m)^#+ (.+)$", FENCE.sub("", page))
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def test_links_lead_to_a_file_and_a_heading() -> None:
    broken = []
    for path, page in documents():
        for target in LINK.findall(page):
            if re.match(r"https?:|mailto:", target):
                continue
            name, _, heading = target.partition("#")
            file = path.parent / name if name else path
            if not file.exists() or (heading and heading not in headings(file.read_text())):
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert not broken


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text()
    listed = {
        (ROOT / "docs" / target.partition("#")[0]).resolve() for target in LINK.findall(index)
    }
    pages = {page.resolve() for page in (ROOT / "docs").glob("*.md")}
    assert pages - listed == {(ROOT / "docs/README.md").resolve()}


def exists(word: str, page: Path) -> bool:
    folders = (page.parent, *(ROOT / folder for folder in FOLDERS))
    return any(next(folder.glob(word.rstrip("/")), None) for folder in folders)


def test_files_that_a_document_names_exist() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {word}"
        for path, page in documents()
        if path.name != "CHANGELOG.md"  # it also names what has been removed
        for code in CODE.findall(FENCE.sub("", page))
        for word in code.split()
        if PATH.fullmatch(word)
        and not (PLACEHOLDER.search(word) or word.startswith(WRITTEN) or exists(word, path))
    ]
    assert not missing


def test_targets_of_make_that_a_document_names_exist() -> None:
    targets = set(re.findall(r"(?m)^([\w-]+):", (ROOT / "Makefile").read_text()))
    named = {
        (str(path.relative_to(ROOT)), name)
        for path, page in documents()
        for name in TARGET.findall(page)
    }
    assert named
    assert {(page, name) for page, name in named if name not in targets} == set()
