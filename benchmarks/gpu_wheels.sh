#!/usr/bin/env bash
# The packages that a machine with a GPU and without a network may lack beside torch, as wheels for benchmarks/gpu.sh:
#
#     benchmarks/gpu_wheels.sh [FOLDER]     # `wheels` by default
#
# PYTHON_VERSION and PLATFORM name that machine; torch, torchvision and numpy must be there already.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-wheels} version=${PYTHON_VERSION:-3.12} platform=${PLATFORM:-x86_64}
mkdir -p "$folder"
rm -f "$folder"/*.whl

pip=(python3 -m pip --disable-pip-version-check --quiet)
platforms=()
for tag in manylinux_2_28 manylinux_2_27 manylinux_2_17 manylinux2014 manylinux1; do
    platforms+=(--platform "${tag}_$platform")
done
# what this project's core needs, but for the packages that must be there and timm, whose version is that of all results
mapfile -t core < <(python3 - <<'EOF'
import re
import tomllib

there = {"torch", "torchvision", "numpy", "timm"}
with open("pyproject.toml", "rb") as file:
    needs = tomllib.load(file)["project"]["dependencies"]
print(*(need for need in needs if re.match(r"[\w.-]+", need).group() not in there), sep="\n")
EOF
)
# the peers, what its extras train, evaluate, bench and zarr need, and pytest
"${pip[@]}" download --no-deps --only-binary=:all: --implementation cp --python-version "$version" "${platforms[@]}" \
    --dest "$folder" \
    timm==1.0.31 segmentation-models-pytorch==0.6.0 monai==1.6.0 dynamic-network-architectures==0.4.4 \
    "${core[@]}" \
    accelerate torchmetrics lightning-utilities plotly narwhals roifile nvidia-ml-py \
    zarr numcodecs donfig google-crc32c msgspec \
    pytest pytest-xdist execnet iniconfig packaging
"${pip[@]}" wheel --no-deps --wheel-dir "$folder" .

megabytes=$(du --apparent-size -cm "$folder"/*.whl | tail -1 | cut -f1)
echo "$(find "$folder" -name '*.whl' | wc -l) wheels, $megabytes MiB, in $folder"
((megabytes < 64)) || { echo "more than 64 MiB" >&2; exit 1; }
