# Trains a two-layer net whose every tensor is spelled out.
set -e
here=$(cd "$(dirname "$0")" && pwd)
graven-compile "$here/net.mlir" -o net.so --batch=10
graven-run fit net.so --train "$here/../iris/iris.csv" --epochs 150 --save net.safetensors
graven-run evaluate net.so --state net.safetensors --data "$here/../iris/iris.csv"
