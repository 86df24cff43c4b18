// The compiler is a function.
#include <cstdio>
#include <fstream>
#include <sstream>

#include "compiler/api/compile.h"

int main(int argc, char **argv) {
  std::stringstream text;
  text << std::ifstream(argv[1]).rdbuf();
  absl::StatusOr<graven::Artifact> artifact = graven::compile(text.str(), {});
  if (!artifact.ok()) {
    std::printf("%s\n", std::string(artifact.status().message()).c_str());
    return 1;
  }
  std::printf("compiled: %s\n", artifact->model_name.c_str());
}
