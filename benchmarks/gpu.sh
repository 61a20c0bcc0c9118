#!/usr/bin/env bash
# Everything that is measured on a GPU, in nine minutes and without a network:
#
#     benchmarks/gpu.sh [FOLDER] [--device cpu] [--wheels FOLDER]
#
# Each stage leaves its results at once in FOLDER/gpu-*.json ($OUT if that is set, else benchmarks/results), row by row;
# what fails is a row with its error, and the next stage runs. What is there, of the same code on the same card, is not
# measured again. Of a folder `wheels`, made by benchmarks/gpu_wheels.sh, those packages are used that are not installed,
# and the peers; torch must be installed. `--device cpu` runs every stage in its smallest form.
set -uo pipefail
cd "$(dirname "$0")/.."

out=${OUT:-} device=cuda wheels=wheels
while (($#)); do
    case $1 in
        --device | --wheels) declare "${1#--}=${2:?$1 needs a value}" && shift ;;
        *) out=$1 ;;
    esac
    shift
done
[[ -n $out ]] || { [[ $device == cuda ]] && out=benchmarks/results || out=$(mktemp -d); }
echo "results: $out"

python=${PYTHON:-python3}
export PYTHONUNBUFFERED=1
needed() { # the wheels to use, of those that are there
    "$python" - "$wheels"/*.whl <<'EOF'
import sys
from importlib.metadata import distributions

installed = {distribution.name.lower().replace("-", "_") for distribution in distributions()}
compared = {"timm", "segmentation_models_pytorch", "monai", "unetzoo"}  # in the versions of all results
for wheel in sys.argv[1:]:
    name = wheel.rpartition("/")[2].partition("-")[0].lower()
    if name in compared or name not in installed:
        print(wheel)
EOF
}
if compgen -G "$wheels/*.whl" >/dev/null; then
    site=$(mktemp -d)
    trap 'rm -rf "$site"' EXIT
    mapfile -t chosen < <(needed)
    "$python" -m pip install --quiet --no-index --no-deps --no-compile --target "$site" "${chosen[@]}" || exit 1
    export PYTHONPATH=$site${PYTHONPATH:+:$PYTHONPATH}
fi

failed=()
stage() { # NAME SECONDS, beside about 10 to start: it ends by itself; `timeout` is for what hangs in a kernel
    local begun=$SECONDS limit=$2
    [[ $device == cuda ]] || limit=1800
    timeout -k 10 $((limit + 60)) "$python" -m benchmarks.gpu "$1" --device "$device" --out "$out" --seconds "$limit" ||
        failed+=("$1")
    echo "== $1: $((SECONDS - begun)) s"
}

# the compiler works beside the tests, whose time does not count
[[ $device == cpu ]] || timeout -k 10 160 "$python" -m benchmarks.gpu warm --device "$device" &
stage tests 130
wait
stage inference 140
stage training 65
stage levels 20
stage fit 55
stage large 40
stage volumes 75
((${#failed[@]} == 0)) || { echo "not complete: ${failed[*]}" >&2; exit 1; }
