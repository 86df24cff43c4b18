// The model is a file.
#include <graven/graven.hpp>

#include <cstdio>

int main(int argc, char **argv) {
  graven::Model model = graven::Model::open(argv[1]);
  graven::State state(model);
  graven::Context context(model);
  std::printf("opened\n");
}
