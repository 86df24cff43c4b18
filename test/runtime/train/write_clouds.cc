// write_clouds FILE: the data set of clouds.h as a file.
#include "test/runtime/core/fake_model.h"
#include "test/runtime/train/fit/clouds.h"

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  graven::testing::write_file(argv[1], graven::testing::CloudsCsv());
  return 0;
}
