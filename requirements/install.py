"""Install the requirements for the Python that runs this file.

The program uses uv, or pip if uv fails.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
NETWORK = frozenset(
    {
        "cache-dir",
        "cert",
        "client-cert",
        "default-timeout",
        "disable-pip-version-check",
        "extra-index-url",
        "find-links",
        "index-url",
        "no-index",
        "proxy",
        "retries",
        "timeout",
        "trusted-host",
    }
)
"""Pip's options for the network. All other options of pip are ignored."""
_UV_NETWORK = frozenset(
    {"UV_CACHE_DIR", "UV_DEFAULT_INDEX", "UV_HTTP_TIMEOUT", "UV_INDEX_URL", "UV_NATIVE_TLS"}
)


def network_options(listing: str) -> dict[str, str]:
    """Return pip's options for the network as environment variables, for example PIP_PROXY.

    `listing` is the output of `pip config list`. Of two lines for one option, the later line
    counts.
    """
    found = {}
    for line in listing.splitlines():
        name, _, value = line.partition("=")
        option = name.rpartition(".")[2].replace("_", "-")
        if option in NETWORK and value:
            found[f"PIP_{option.replace('-', '_').upper()}"] = str(ast.literal_eval(value))
    return found


def environment(variables: Mapping[str, str], listing: str) -> dict[str, str]:
    """Return the environment variables with which pip and uv are started.

    Pip's options for the network come from `listing`. All other variables for pip, uv and Python
    are removed, except uv's options for the network.
    """
    # The removed variables could change what is installed and where.
    kept = {
        name: value
        for name, value in variables.items()
        if name in _UV_NETWORK or not name.startswith(("PIP_", "PYTHON", "UV_"))
    }
    return kept | {"PIP_CONFIG_FILE": os.devnull} | network_options(listing)


def main() -> int:
    """Install the packages of `dev.txt`, and return the exit status."""
    pip = [sys.executable, "-I", "-m", "pip"]
    shown = subprocess.run(
        [*pip, "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    clean = environment(os.environ, shown)
    install = ["install", "--quiet", "--require-hashes", "-r"]
    uv = Path(sys.executable).with_name("uv")
    by_uv = [str(uv), "pip", *install[:2], "--no-config", "--python", sys.executable, *install[2:]]
    requirements = HERE / "dev.txt"
    if (
        subprocess.run([*pip, *install, HERE / "uv.txt"], env=clean, check=False).returncode == 0
        and subprocess.run(
            [*by_uv, requirements], env=clean, stderr=subprocess.DEVNULL, check=False
        ).returncode
        == 0
    ):
        return 0
    return subprocess.run([*pip, *install, requirements], env=clean, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
