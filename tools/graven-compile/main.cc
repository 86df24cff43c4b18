// graven-compile: model text in, artifact out.
#include "tools/graven-compile/command.h"

int main(int argc, char **argv) { return graven::tools::compileMain(argc, argv); }
