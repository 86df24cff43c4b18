// The command graven-compile.
#ifndef GRAVEN_TOOLS_GRAVEN_COMPILE_COMMAND_H_
#define GRAVEN_TOOLS_GRAVEN_COMPILE_COMMAND_H_

namespace graven::tools {

// Parses the command line, compiles in a child process, and reports. Returns the exit status: 0, 1
// after an error in the model or its surroundings, 2 after one on the command line.
int compileMain(int argc, char **argv);

}  // namespace graven::tools

#endif  // GRAVEN_TOOLS_GRAVEN_COMPILE_COMMAND_H_
