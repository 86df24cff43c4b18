# Compiles the Iris model, trains it, measures it, and writes a score for each flower and species.
set -e
here=$(cd "$(dirname "$0")" && pwd)
graven-compile "$here/iris.mlir" -o iris.so
graven-run fit iris.so --train "$here/iris.csv" --save iris.safetensors --plot curves.svg
graven-run evaluate iris.so --state iris.safetensors --data "$here/iris.csv"
graven-run predict iris.so --state iris.safetensors --data "$here/iris.csv" -o scores.npy
