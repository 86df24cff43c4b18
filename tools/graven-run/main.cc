// graven-run: trains, evaluates and applies compiled models.
#include "tools/graven-run/command.h"

int main(int argc, char **argv) { return graven::tools::Main(argc, argv); }
