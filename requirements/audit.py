"""Look for known vulnerabilities in the image's packages, and for licences that are not allowed.

The exit status is 0 if there is neither, and 1 if something was found. It is 3 if nothing was
found, but the data about vulnerabilities could not be read for every package: run `make audit`
where the network reaches them.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from packaging.markers import Marker

REQUIREMENTS = Path(__file__).with_name("run.txt")
UNKNOWN_STATUS = 3
ALLOWED = frozenset(
    {
        *("MIT", "MIT License", "ISC", "ISC License (ISCL)", "BSD License"),
        *("BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "Apache Software License"),
        "MIT-0",  # of cffi; MIT without the duty to name the authors
        "MIT-CMU",  # of Pillow; MIT with a sentence about the names of the authors
        *("PSF-2.0", "Python Software Foundation License"),
        *("MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)"),  # used unchanged
    }
)
"""Licences of packages that the image may contain."""
_TIMEOUT_SECONDS = "15"


def names(requirements: str) -> list[str]:
    """Return the names of the packages that a file of pinned requirements installs here."""
    pinned = re.findall(r"^([\w.-]+)==\S+(?: ; ([^\\\n]+))?", requirements, re.MULTILINE)
    return [name for name, marker in pinned if not marker or Marker(marker).evaluate()]


def problems_of_licences(packages: list[str]) -> list[str]:
    """Return a sentence for each installed package whose licence is unknown or not allowed."""
    listed = json.loads(_run("pip-licenses", "--format=json", "--packages", *packages))
    unlisted = [f"{name}: no licence is known" for name in _unlisted(packages, listed)]
    return forbidden_licences(listed) + unlisted


def forbidden_licences(packages: Iterable[dict[str, str]]) -> list[str]:
    """Return a sentence for each package whose licence is not allowed.

    Each package has the keys Name and License, as `pip-licenses` prints them.
    """
    return [
        f"{package['Name']}: the licence {package['License']} is not allowed"
        for package in packages
        if not _is_allowed(package["License"])
    ]


def _is_allowed(licence: str) -> bool:
    """Return whether one of the choices (OR) has only allowed parts (AND)."""
    choices = re.split(r" OR |; ", licence)
    return any(set(choice.strip("()").split(" AND ")) <= ALLOWED for choice in choices) or (
        licence in ALLOWED
    )


def vulnerabilities(printed: str) -> tuple[list[str], list[str]]:
    """Return a sentence for each vulnerability, and the packages about which nothing is known.

    `printed` is the output of `pip-audit --format json`. It is not JSON if pip-audit failed.
    """
    try:
        dependencies = json.loads(printed)["dependencies"]
    except (ValueError, KeyError):
        return [], ["all"]
    found = [
        f"{each['name']} {each['version']}: {one['id']}, fixed in"
        f" {', '.join(one['fix_versions']) or 'no version yet'}"
        for each in dependencies
        for one in each.get("vulns", ())
    ]
    return found, [each["name"] for each in dependencies if "skip_reason" in each]


def _run(program: str, *options: str) -> str:
    path = Path(sys.executable).with_name(program)
    return subprocess.run([path, *options], capture_output=True, text=True, check=False).stdout


def main() -> int:
    """Print what was found, and return the exit status."""
    packages = names(REQUIREMENTS.read_text())
    found = problems_of_licences(packages)
    vulnerable, unknown = vulnerabilities(
        _run(
            "pip-audit",
            *("--requirement", str(REQUIREMENTS), "--require-hashes", "--disable-pip"),
            *("--format=json", "--progress-spinner=off", f"--timeout={_TIMEOUT_SECONDS}"),
        )
    )
    found += vulnerable
    sys.stdout.writelines(f"{line}\n" for line in found)
    sys.stdout.write(f"{len(packages)} packages: {len(found)} problems\n")
    if unknown:
        sys.stdout.write(f"nothing is known about vulnerabilities of: {', '.join(unknown)}\n")
    if found:
        return 1
    return UNKNOWN_STATUS if unknown else 0


def _unlisted(packages: Iterable[str], listed: Iterable[dict[str, str]]) -> list[str]:
    """Return the packages that have to be installed here, but have no line about a licence."""
    known = {re.sub(r"[-_.]+", "-", package["Name"]).lower() for package in listed}
    return [name for name in packages if re.sub(r"[-_.]+", "-", name).lower() not in known]


if __name__ == "__main__":
    raise SystemExit(main())
