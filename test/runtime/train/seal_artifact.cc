// seal_artifact IN.so SYMBOL OUT.so: appends the trailer that the loader checks.
#include <cstdio>
#include <cstring>
#include <string>

#include "graven/artifact_format.h"
#include "runtime/core/digest.h"
#include "test/runtime/core/fake_model.h"

int main(int argc, char **argv) {
  if (argc != 4) return std::fprintf(stderr, "usage: seal_artifact IN.so SYMBOL OUT.so\n"), 2;
  std::string bytes = graven::testing::read_file(argv[1]);
  graven_trailer trailer = {};
  graven1::Digest digest;
  digest.add(bytes.data(), bytes.size());
  trailer.digest = digest.value();
  trailer.file_bytes = bytes.size();
  std::snprintf(trailer.symbol, sizeof trailer.symbol, "%s", argv[2]);
  memcpy(trailer.magic, GRAVEN_TRAILER_MAGIC, sizeof trailer.magic);
  bytes.append(reinterpret_cast<const char *>(&trailer), sizeof trailer);
  graven::testing::write_file(argv[3], bytes);
  return 0;
}
