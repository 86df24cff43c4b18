# Handwritten digits.  $1: the folder with MNIST's four IDX.gz files.
set -e
here=$(cd "$(dirname "$0")" && pwd)
data=${1:?"usage: run.sh FOLDER_WITH_MNIST"}
graven-compile "$here/digits.mlir" -o digits.so --cpu=native
graven-run fit digits.so --train "$data/train-images-idx3-ubyte.gz,$data/train-labels-idx1-ubyte.gz" \
    --epochs 3 --save digits.safetensors
graven-run evaluate digits.so --state digits.safetensors \
    --data "$data/t10k-images-idx3-ubyte.gz,$data/t10k-labels-idx1-ubyte.gz"
