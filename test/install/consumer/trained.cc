// The training library knows what the model's fit line says.
#include <cstdio>

#include "runtime/train/engine/session.h"
#include "runtime/train/fit/fit.h"

int main(int argc, char **argv) {
  auto model = graven::train::Model::Open(argv[1]);
  if (!model.ok()) return 1;
  auto settings = graven::train::FitDefaults((*model)->signature());
  if (!settings.ok()) return 1;
  std::printf("epochs: %d\n", static_cast<int>(settings->epochs));
}
