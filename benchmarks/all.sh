#!/usr/bin/env bash
# Measure everything anew on one machine, in nights of less than three hours: see `benchmarks/all.sh --help`.
set -euo pipefail
cd "$(dirname "$0")/.."
exec "${PYTHON:-python3}" -m benchmarks "$@"
