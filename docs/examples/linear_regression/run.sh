# Fits a plane through points with a training step of tensor ops.
set -e
here=$(cd "$(dirname "$0")" && pwd)
graven-compile "$here/line.mlir" -o line.so --batch=40
graven-run fit line.so --train "$here/points.csv" --epochs 30 --save line.safetensors
graven-run evaluate line.so --state line.safetensors --data "$here/points.csv"
