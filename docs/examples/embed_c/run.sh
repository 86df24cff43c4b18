# Compiles the Iris model to a static library and trains it from C.
set -e
here=$(cd "$(dirname "$0")" && pwd)
graven-compile "$here/../iris/iris.mlir" -o iris.a
"${CC:-cc}" -I. "$here/main.c" iris.a -lm -lpthread -o embedded
./embedded "$here/../iris/iris.csv"
