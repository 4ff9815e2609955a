"""Install the requirements into the environment of the Python that runs this file.

uv is tried first, because it installs in seconds what takes pip a minute. If uv fails, pip
installs. uv may fail, for example, because it does not read pip's configuration, and only a mirror
that is named there can be reached.

From pip's configuration, only the options of the network are used, for example the address of a
mirror. Other options would change what is installed and where. `user = true`, for example, fails in
every virtual environment.
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
"""The options of pip that say how to reach the packages. All other options are ignored."""
_UV_NETWORK = frozenset(
    {"UV_CACHE_DIR", "UV_DEFAULT_INDEX", "UV_HTTP_TIMEOUT", "UV_INDEX_URL", "UV_NATIVE_TLS"}
)


def network_options(listing: str) -> dict[str, str]:
    """Convert the options of NETWORK in a listing to environment variables of pip.

    `listing` is the output of `pip config list`. Its lines have the form
    `global.index-url='https://mirror.example/simple'`. A later line has priority.
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

    The result is `variables` without those that configure pip, uv or Python, because they could
    change what is installed. Two groups of options stay: uv's options of the network, and pip's
    options of the network in `listing`, the output of `pip config list`.
    """
    kept = {
        name: value
        for name, value in variables.items()
        if name in _UV_NETWORK or not name.startswith(("PIP_", "PYTHON", "UV_"))
    }
    return kept | {"PIP_CONFIG_FILE": os.devnull} | network_options(listing)


def main() -> int:
    """Install `dev.txt` with uv or else with pip. Returns 0, or the exit status of a failed pip."""
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
