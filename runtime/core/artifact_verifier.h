// Checks an artifact's table before anything in it is used: every offset, span, index, text, type
// and byte range. What passes can be followed without further checks; a damaged table is refused.
#ifndef GRAVEN_RUNTIME_CORE_ARTIFACT_VERIFIER_H_
#define GRAVEN_RUNTIME_CORE_ARTIFACT_VERIFIER_H_

#include "graven/graven.h"

namespace graven1 {

// A verified table: pointers to its sections.
struct Table {
  const graven_table_header *header;
  const char *strings;
  const graven_state_record *states;
  const graven_port_record *ports;
  const graven_operand_record *operands;
  const graven_command_record *commands;
  const graven_kernel_record *kernels;
  const graven_image_record *images;
  const graven_entry_record *entries;
  const graven_metric_record *metrics;

  const char *text(graven_text text) const { return strings + text.offset; }
};

// Verifies `artifact` and fills `table`. Fails with CORRUPT, or with INCOMPATIBLE when the format
// version is another. Value ids are not replayed: the compiler's plan verifier does that.
graven_status verify_artifact(const graven_artifact *artifact, Table *table);

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_ARTIFACT_VERIFIER_H_
