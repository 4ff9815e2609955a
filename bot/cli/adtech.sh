#!/bin/sh
# Runs the commands for operators. `make` copies this file to .venv/bin/adtech. It works from any
# folder, also after the folder of the product was moved. Python reads no variables of its own and
# imports nothing from the current folder.
bin=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")" && pwd -P)
exec "$bin/python" -I -c 'import runpy, sys
sys.path.insert(0, sys.argv.pop(1))
runpy.run_module("bot.cli", run_name="__main__", alter_sys=True)' "${bin%/*/*}" "$@"
