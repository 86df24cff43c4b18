# A layer of our own among those of the library.
set -e
here=$(cd "$(dirname "$0")" && pwd)
graven-compile "$here/gated.mlir" -o gated.so
graven-run fit gated.so --train "$here/../iris/iris.csv" --save gated.safetensors
graven-run evaluate gated.so --state gated.safetensors --data "$here/../iris/iris.csv"
