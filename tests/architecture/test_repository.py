"""Test the files for the host of the repository, and the check of the packages."""

import importlib.resources
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml

from tests.architecture.scripts import load_script

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
SCHEMAS = importlib.resources.files("check_jsonschema") / "builtin_schemas"


@pytest.fixture(scope="module")
def audit() -> ModuleType:
    """Load `requirements/audit.py` as a module."""
    return load_script("requirements/audit.py")


def read(path: Path) -> Any:
    """Return the content of a YAML file. The key `on` stays a text."""
    return yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts alone


@pytest.mark.parametrize(
    ("file", "schema"),
    [
        ("dependabot.yml", "vendor/dependabot.json"),
        ("workflows/ci.yml", "vendor/github-workflows.json"),
        ("workflows/ci.yml", "custom/github-workflows-require-timeout.json"),
    ],
)
def test_the_files_have_the_form_that_their_reader_expects(file: str, schema: str) -> None:
    content = yaml.safe_load((GITHUB / file).read_text())
    content = {"on" if key is True else key: value for key, value in content.items()}
    jsonschema.validate(content, json.loads((SCHEMAS / schema).read_text()))


def test_the_workflow_calls_the_same_check_as_a_developer() -> None:
    jobs = read(GITHUB / "workflows/ci.yml")["jobs"]
    assert jobs["check"]["steps"][-1] == {"run": ".ci/run"}
    assert os.access(ROOT / ".ci/run", os.X_OK)
    for job in jobs.values():
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", step["uses"])


def test_the_workflow_may_only_read() -> None:
    assert read(GITHUB / "workflows/ci.yml")["permissions"] == {"contents": "read"}


def test_every_ecosystem_gets_updates() -> None:
    updates = read(GITHUB / "dependabot.yml")["updates"]
    found = {update["package-ecosystem"]: update["directory"] for update in updates}
    assert found == {
        "pip": "/",
        "docker": "/",
        "docker-compose": "/deploy",
        "github-actions": "/",
    }


def test_owners_are_named_for_folders_that_exist() -> None:
    lines = (GITHUB / "CODEOWNERS").read_text().splitlines()
    folders = [match[1] for line in lines if (match := re.match(r"# (/\S+) +@", line))]
    assert folders
    assert [name for name in folders if not (ROOT / name.lstrip("/")).exists()] == []


def test_licences_that_are_not_allowed_are_named(audit: ModuleType) -> None:
    def problems(*licences: str) -> list[str]:
        found: list[str] = audit.forbidden_licences({"Name": "x", "License": t} for t in licences)
        return found

    assert problems("MIT", "MIT AND PSF-2.0", "MIT OR GPL-3.0", "Apache Software License") == []
    assert problems("GPL-3.0", "MIT AND GPL-3.0", "UNKNOWN") == [
        "x: the licence GPL-3.0 is not allowed",
        "x: the licence MIT AND GPL-3.0 is not allowed",
        "x: the licence UNKNOWN is not allowed",
    ]


def test_a_vulnerability_is_found_and_missing_data_is_no_approval(audit: ModuleType) -> None:
    answer = {
        "dependencies": [
            {"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]},
            {"name": "b", "version": "1", "vulns": [{"id": "CVE-2", "fix_versions": []}]},
            {"name": "c", "version": "1", "vulns": []},
            {"name": "d", "skip_reason": "not found"},
        ]
    }
    assert audit.vulnerabilities(json.dumps(answer)) == (
        ["a 1: CVE-1, fixed in 2", "b 1: CVE-2, fixed in no version yet"],
        ["d"],
    )
    assert audit.vulnerabilities("ERROR: connection refused") == ([], ["all"])


def test_the_packages_of_this_machine_are_audited(audit: ModuleType) -> None:
    text = "b==1 \\\n    --hash=x\nc.d==2 ; sys_platform == 'win32' \\\n    --hash=y\n"
    assert audit.names(text) == ["b"]
    names = audit.names((ROOT / "requirements/run.txt").read_text())
    assert "aiogram" in names
    assert "colorama" not in names
    assert audit.problems_of_licences(names) == []


def test_the_bill_of_materials_is_the_same_each_time(tmp_path: Path) -> None:
    """Check that the bill lists the image's packages, and nothing of this machine or this time."""
    made = []
    for name in ("first.json", "second.json"):
        path = tmp_path / name
        subprocess.run(
            [
                *(sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements"),
                *("--pyproject", ROOT / "pyproject.toml", "--output-reproducible"),
                *("-o", path, ROOT / "requirements/run.txt"),
            ],
            check=True,
            capture_output=True,
        )
        made.append(path.read_text())
    assert made[0] == made[1]
    assert str(Path.home()) not in made[0]
    components = {each["name"]: each for each in json.loads(made[0])["components"]}
    assert components["aiogram"]["version"].startswith("3.")
    assert "pytest" not in components
