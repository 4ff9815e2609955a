"""Install the requirements into the environment of the Python that runs this file.

The program tries uv first, because uv is faster than pip. If uv fails, the program uses pip. For
example, uv can fail because it does not read pip's configuration.

From pip's configuration, the program uses only the options for the network. All other options are
ignored, because they could change what is installed and where.
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
"""Pip's options for the network, for example `proxy`. All other options are ignored."""
_UV_NETWORK = frozenset(
    {"UV_CACHE_DIR", "UV_DEFAULT_INDEX", "UV_HTTP_TIMEOUT", "UV_INDEX_URL", "UV_NATIVE_TLS"}
)


def network_options(listing: str) -> dict[str, str]:
    """Return pip's options for the network as environment variables, for example PIP_PROXY.

    `listing` is the output of `pip config list`. Its lines have the form
    `global.index-url='https://mirror.example/simple'`. Options that are not in NETWORK are ignored.
    If two lines set the same option, the later line counts.
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

    The function removes the variables that configure pip, uv or Python from `variables`, because
    they could change what is installed. It keeps uv's variables for the network. It adds pip's
    options for the network from `listing`, the output of `pip config list`.
    """
    kept = {
        name: value
        for name, value in variables.items()
        if name in _UV_NETWORK or not name.startswith(("PIP_", "PYTHON", "UV_"))
    }
    return kept | {"PIP_CONFIG_FILE": os.devnull} | network_options(listing)


def main() -> int:
    """Install the packages that `dev.txt` lists. If uv cannot install them, use pip.

    Return 0 if the packages are installed. Otherwise, return the exit status of pip.
    """
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
