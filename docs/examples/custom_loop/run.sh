# A net of layers, trained by a step of our own.
set -e
here=$(cd "$(dirname "$0")" && pwd)
graven-compile "$here/own_step.mlir" -o own_step.so --batch=16
graven-run fit own_step.so --train "$here/../iris/iris.csv" --epochs 60 --save own_step.safetensors
graven-run evaluate own_step.so --state own_step.safetensors --data "$here/../iris/iris.csv"
