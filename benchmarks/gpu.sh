#!/bin/sh
# Fit check, ladder, profile and QLoRA of a 7B training on this machine's NVIDIA GPU, in at most nine minutes.
#
#     sh benchmarks/gpu.sh [OUT] [OPTIONS OF benchmarks/gpu.py]
#
# Called again with the same OUT, it goes on: what is measured is not measured again. It needs torch, transformers and
# peft; what else plume imports there and the machine lacks is installed from wheels in .whl/ (no network is used):
#     pip download --no-deps -d .whl pydantic pydantic-core annotated-types typing-inspection
set -eu
cd "$(dirname "$0")/.."
out=var/gpu
case ${1:--} in
    -*) ;; # no folder, perhaps options
    *) out=$1; shift ;;
esac
python=${PYTHON:-python3}
if ! "$python" -c 'import pydantic, jinja2, rich, typer, yaml, psutil' 2>/dev/null; then
    "$python" -m pip install --quiet --no-index --no-deps .whl/*.whl
fi
exec "$python" benchmarks/gpu.py --out "$out" "$@"
