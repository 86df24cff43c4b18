#include "runtime/core/artifact_verifier.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <initializer_list>

#include "runtime/core/digest.h"
#include "runtime/core/error.h"
#include "runtime/core/sort.h"
#include "runtime/core/text.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "tables are little-endian");

namespace graven1 {
namespace {

// No segment of a real model comes near; sums of a few such sizes cannot overflow.
constexpr uint64_t kMaxBytes = uint64_t{1} << 48;
constexpr uint32_t kMaxPortsPerEntry = 1u << 12;
constexpr uint32_t kMaxEntries = 1u << 12;

class Verifier {
 public:
  Verifier(const graven_artifact &artifact, Table *table) : artifact_(artifact), table_(*table) {}

  graven_status run() {
    bool sound = header() && sections() && texts() && states() && ports() && images() &&
                 kernels() && metrics() && entries();
    return sound ? GRAVEN_OK : status_;
  }

 private:
  bool header();
  bool sections();
  bool texts();
  bool states();
  bool ports();
  bool images();
  bool kernels();
  bool metrics();
  bool entries();
  bool entry(const graven_entry_record &record);
  bool port(const graven_entry_record &entry, uint32_t index, bool is_input);
  bool command(const graven_entry_record &entry, uint32_t index);
  bool operand(const graven_entry_record &entry, uint32_t index);
  bool text(graven_text text, const char *what, uint32_t index, bool may_be_empty);
  bool tensor(const graven_tensor_record &tensor, const char *what, uint32_t index);
  bool unique_states();

  template <typename Record>
  bool section(const char *what, uint32_t offset, uint32_t count, const Record **records);
  bool span(graven_span span, uint32_t count, const char *what);

  // Reports what is wrong; always false.
  bool damaged(const char *format, ...) __attribute__((format(printf, 2, 3), cold, noinline));

  const graven_artifact &artifact_;
  Table &table_;
  graven_status status_ = GRAVEN_CORRUPT;
};

bool Verifier::damaged(const char *format, ...) {
  char reason[256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  status_ =
      fail(GRAVEN_CORRUPT, "the artifact's table is damaged: %s; compile the model again", reason);
  return false;
}

bool inside(uint64_t offset, uint64_t bytes, uint64_t limit) {
  return offset <= limit && bytes <= limit - offset;
}

bool Verifier::header() {
  const graven_table_header *header = static_cast<const graven_table_header *>(artifact_.table);
  table_.header = header;
  if (header->magic != GRAVEN_ARTIFACT_MAGIC) {
    return damaged("its magic number is 0x%08" PRIx32 ", expected 0x%08" PRIx32, header->magic,
                   GRAVEN_ARTIFACT_MAGIC);
  }
  if (header->format != GRAVEN_ARTIFACT_FORMAT) {
    return damaged("its format is %" PRIu32 ", expected %" PRIu32, header->format,
                   GRAVEN_ARTIFACT_FORMAT);
  }
  if (header->table_bytes != artifact_.table_bytes) {
    return damaged("it says that it has %" PRIu64 " bytes, the artifact says %" PRIu64,
                   header->table_bytes, artifact_.table_bytes);
  }
  const char *bytes = static_cast<const char *>(artifact_.table);
  constexpr size_t digest_offset = offsetof(graven_table_header, digest);
  const uint64_t zero = 0;
  Digest digest;
  digest.add(bytes, digest_offset);
  digest.add(&zero, sizeof zero);
  digest.add(bytes + digest_offset + sizeof zero,
             artifact_.table_bytes - digest_offset - sizeof zero);
  if (digest.value() != header->digest) {
    return damaged("its digest is %016" PRIx64 ", expected %016" PRIx64, digest.value(),
                   header->digest);
  }
  const struct {
    const char *name;
    uint64_t bytes;
  } sizes[] = {{"state", header->state_bytes},
               {"metric", header->metric_bytes},
               {"constant", header->constant_bytes},
               {"arena", header->arena_bytes}};
  for (const auto &size : sizes) {
    if (size.bytes > kMaxBytes) {
      return damaged("its %s segment has %" PRIu64 " bytes, more than any machine", size.name,
                     size.bytes);
    }
  }
  if (header->constant_bytes != artifact_.constant_bytes) {
    return damaged("it counts %" PRIu64 " bytes of constants, the artifact %" PRIu64,
                   header->constant_bytes, artifact_.constant_bytes);
  }
  if (header->constant_bytes != 0 &&
      (!artifact_.constants ||
       reinterpret_cast<uintptr_t>(artifact_.constants) % GRAVEN_SEGMENT_ALIGNMENT != 0)) {
    return damaged("its constants are not aligned to %u bytes", GRAVEN_SEGMENT_ALIGNMENT);
  }
  return true;
}

template <typename Record>
bool Verifier::section(const char *what, uint32_t offset, uint32_t count, const Record **records) {
  *records = reinterpret_cast<const Record *>(static_cast<const char *>(artifact_.table) + offset);
  if (count == 0) return true;
  if (offset % alignof(Record) != 0 || offset < sizeof(graven_table_header) ||
      !inside(offset, uint64_t{count} * sizeof(Record), artifact_.table_bytes)) {
    return damaged("%" PRIu32 " %s records at offset %" PRIu32 " do not fit in its %" PRIu64
                   " bytes",
                   count, what, offset, artifact_.table_bytes);
  }
  return true;
}

bool Verifier::sections() {
  const graven_table_header &h = *table_.header;
  return section("string", h.strings_offset, h.strings_bytes, &table_.strings) &&
         section("state", h.states_offset, h.states_count, &table_.states) &&
         section("port", h.ports_offset, h.ports_count, &table_.ports) &&
         section("operand", h.operands_offset, h.operands_count, &table_.operands) &&
         section("command", h.commands_offset, h.commands_count, &table_.commands) &&
         section("kernel", h.kernels_offset, h.kernels_count, &table_.kernels) &&
         section("entry", h.entries_offset, h.entries_count, &table_.entries) &&
         section("metric", h.metrics_offset, h.metrics_count, &table_.metrics) &&
         section("image", h.images_offset, h.images_count, &table_.images);
}

bool Verifier::text(graven_text text, const char *what, uint32_t index, bool may_be_empty) {
  if (!inside(text.offset, uint64_t{text.bytes} + 1, table_.header->strings_bytes)) {
    return damaged("the text of %s %" PRIu32 " lies outside the string pool", what, index);
  }
  const char *data = table_.strings + text.offset;
  if (data[text.bytes] != 0 || !is_text(data, text.bytes)) {
    return damaged("the text of %s %" PRIu32 " is not UTF-8 ended by a NUL", what, index);
  }
  if (text.bytes == 0 && !may_be_empty) return damaged("%s %" PRIu32 " has no name", what, index);
  return true;
}

bool Verifier::texts() {
  const graven_table_header &h = *table_.header;
  return text(h.model_name, "header text", 0, false) && text(h.signature, "header text", 1, true) &&
         text(h.target, "header text", 2, false) && text(h.cpu_features, "header text", 3, true) &&
         text(h.device, "header text", 4, false);
}

bool Verifier::tensor(const graven_tensor_record &tensor, const char *what, uint32_t index) {
  const ElementType *type = element_type(tensor.dtype);
  if (!type) {
    return damaged("%s %" PRIu32 " has the unknown type number %" PRIu32, what, index,
                   tensor.dtype);
  }
  if (tensor.rank > GRAVEN_MAX_RANK) {
    return damaged("%s %" PRIu32 " has rank %" PRIu32 ", at most %d is possible", what, index,
                   tensor.rank, GRAVEN_MAX_RANK);
  }
  uint64_t bytes = type->bytes;
  bool empty = false;
  for (uint32_t d = 0; d < GRAVEN_MAX_RANK; ++d) {
    int64_t size = tensor.dims[d];
    if (d >= tensor.rank) {
      if (size != 0) return damaged("%s %" PRIu32 " has sizes beyond its rank", what, index);
      continue;
    }
    if (size < 0 || static_cast<uint64_t>(size) > kMaxBytes) {
      return damaged("%s %" PRIu32 " has size %" PRId64 " on axis %" PRIu32, what, index, size, d);
    }
    if (size == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes)) {
      return damaged("%s %" PRIu32 " is larger than any machine", what, index);
    }
  }
  if (empty) bytes = 0;
  if (bytes > kMaxBytes || bytes != tensor.bytes) {
    return damaged("%s %" PRIu32 " says %" PRIu64 " bytes, its shape and type give %" PRIu64, what,
                   index, tensor.bytes, bytes);
  }
  return true;
}

bool Verifier::states() {
  const graven_table_header &h = *table_.header;
  for (uint32_t i = 0; i < h.states_count; ++i) {
    const graven_state_record &state = table_.states[i];
    if (!text(state.name, "state", i, false) || !tensor(state.tensor, "state", i)) return false;
    if (state.role > GRAVEN_ROLE_METRIC) {
      return damaged("state %" PRIu32 " has the unknown role %" PRIu32, i, state.role);
    }
    bool metric = state.role == GRAVEN_ROLE_METRIC;
    uint32_t segment = metric ? GRAVEN_SEGMENT_METRIC : GRAVEN_SEGMENT_STATE;
    if (state.segment != segment) {
      return damaged("state %" PRIu32 " of role %" PRIu32 " lies in segment %" PRIu32
                     ", expected %" PRIu32,
                     i, state.role, state.segment, segment);
    }
    uint64_t limit = metric ? h.metric_bytes : h.state_bytes;
    if (state.offset % GRAVEN_SEGMENT_ALIGNMENT != 0 ||
        !inside(state.offset, state.tensor.bytes, limit)) {
      return damaged("state %" PRIu32 " at offset %" PRIu64
                     " does not fit in its segment of %" PRIu64 " bytes",
                     i, state.offset, limit);
    }
  }
  return unique_states();
}

// No two states share a name or a byte.
bool Verifier::unique_states() {
  uint32_t count = table_.header->states_count;
  if (count < 2) return true;
  const graven_state_record *states = table_.states;
  uint32_t *order = static_cast<uint32_t *>(malloc(count * sizeof(uint32_t)));
  if (!order) {
    status_ = fail_memory(count * sizeof(uint32_t), "checking the artifact");
    return false;
  }
  for (uint32_t i = 0; i < count; ++i) order[i] = i;
  heap_sort(order, count, [&](uint32_t a, uint32_t b) {
    return strcmp(table_.text(states[a].name), table_.text(states[b].name)) < 0;
  });
  bool sound = true;
  for (uint32_t i = 1; sound && i < count; ++i) {
    const char *name = table_.text(states[order[i]].name);
    if (strcmp(table_.text(states[order[i - 1]].name), name) == 0) {
      sound = damaged("two states are called '%.80s'", name);
    }
  }
  if (sound) {
    heap_sort(order, count, [&](uint32_t a, uint32_t b) {
      if (states[a].segment != states[b].segment) return states[a].segment < states[b].segment;
      if (states[a].offset != states[b].offset) return states[a].offset < states[b].offset;
      return states[a].tensor.bytes < states[b].tensor.bytes;
    });
  }
  for (uint32_t i = 1; sound && i < count; ++i) {
    const graven_state_record &before = states[order[i - 1]], &state = states[order[i]];
    if (before.segment == state.segment && before.offset + before.tensor.bytes > state.offset) {
      sound = damaged("states '%.80s' and '%.80s' overlap", table_.text(before.name),
                      table_.text(state.name));
    }
  }
  free(order);
  return sound;
}

bool Verifier::ports() {
  for (uint32_t i = 0; i < table_.header->ports_count; ++i) {
    const graven_port_record &port = table_.ports[i];
    if (!text(port.name, "port", i, false) || !tensor(port.tensor, "port", i)) return false;
    if (port.kind > GRAVEN_PORT_ROWS ||
        (port.flags & ~(GRAVEN_PORT_BATCHED | GRAVEN_PORT_HAS_RANGE)) != 0) {
      return damaged("port %" PRIu32 " has kind %" PRIu32 " and flags 0x%" PRIx32, i, port.kind,
                     port.flags);
    }
    if (port.kind == GRAVEN_PORT_ROWS &&
        (port.tensor.dtype != GRAVEN_I32 || port.tensor.rank != 0 || port.flags != 0)) {
      return damaged("port %" PRIu32 " counts rows and is not a plain i32 scalar", i);
    }
    if ((port.flags & GRAVEN_PORT_HAS_RANGE) != 0 &&
        (port.range_lo > port.range_hi || is_float(port.tensor.dtype))) {
      return damaged("port %" PRIu32 " has an impossible range", i);
    }
  }
  return true;
}

bool Verifier::images() {
  uint32_t count = table_.header->images_count;
  if ((artifact_.image_bytes != 0 && !artifact_.image) || artifact_.image_bytes > kMaxBytes ||
      reinterpret_cast<uintptr_t>(artifact_.image) % 8 != 0) {
    return damaged("its image of %" PRIu64 " bytes has no place", artifact_.image_bytes);
  }
  for (uint32_t i = 0; i < count; ++i) {
    const graven_image_record &image = table_.images[i];
    if (image.kind < GRAVEN_IMAGE_PTX || image.kind > GRAVEN_IMAGE_OTHER || image.offset % 8 != 0 ||
        image.bytes == 0 || !inside(image.offset, image.bytes, artifact_.image_bytes)) {
      return damaged("image %" PRIu32 " of kind %" PRIu32 " covers bytes [%" PRIu64 ", +%" PRIu64
                     ") of %" PRIu64,
                     i, image.kind, image.offset, image.bytes, artifact_.image_bytes);
    }
    const char *text = static_cast<const char *>(artifact_.image) + image.offset;
    if (image.kind == GRAVEN_IMAGE_PTX && text[image.bytes - 1] != 0) {
      return damaged("image %" PRIu32 " is text without an end", i);
    }
  }
  return true;
}

bool Verifier::kernels() {
  uint32_t count = table_.header->kernels_count;
  const bool in_image = table_.header->images_count != 0;
  if (artifact_.kernel_count != count || (count != 0 && !artifact_.kernels && !in_image)) {
    return damaged("it names %" PRIu32 " kernels, the artifact has %" PRIu64, count,
                   artifact_.kernel_count);
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (!text(table_.kernels[i].name, "kernel", i, false)) return false;
    if (!in_image && !artifact_.kernels[i]) return damaged("kernel %" PRIu32 " has no code", i);
  }
  return true;
}

bool Verifier::metrics() {
  for (uint32_t i = 0; i < table_.header->metrics_count; ++i) {
    const graven_metric_record &metric = table_.metrics[i];
    if (!text(metric.name, "metric", i, false)) return false;
    for (uint32_t index : {metric.numerator, metric.denominator}) {
      if (index >= table_.header->states_count) {
        return damaged("metric %" PRIu32 " refers to state %" PRIu32 " of %" PRIu32, i, index,
                       table_.header->states_count);
      }
      const graven_state_record &state = table_.states[index];
      if (state.role != GRAVEN_ROLE_METRIC || state.tensor.dtype != GRAVEN_F64 ||
          state.tensor.rank != 0) {
        return damaged("metric %" PRIu32 " refers to state %" PRIu32
                       ", which is no f64 scalar of role metric",
                       i, index);
      }
    }
  }
  return true;
}

bool Verifier::span(graven_span span, uint32_t count, const char *what) {
  if (inside(span.first, span.count, count)) return true;
  return damaged("%s [%" PRIu32 ", +%" PRIu32 ") are not among its %" PRIu32, what, span.first,
                 span.count, count);
}

bool Verifier::entries() {
  uint32_t count = table_.header->entries_count;
  if (count == 0 || count > kMaxEntries) {
    return damaged("it has %" PRIu32 " entries, expected 1 to %" PRIu32, count, kMaxEntries);
  }
  for (uint32_t i = 0; i < count; ++i) {
    const graven_entry_record &record = table_.entries[i];
    if (!text(record.name, "entry", i, false) || !entry(record)) return false;
  }
  return true;
}

bool Verifier::entry(const graven_entry_record &record) {
  const graven_table_header &h = *table_.header;
  const char *name = table_.text(record.name);
  if (record.batch < 0 || record.batch > INT32_MAX || record.reserved != 0 ||
      (record.flags & ~GRAVEN_ENTRY_PARTIAL) != 0 ||
      (record.batch == 0 && (record.flags & GRAVEN_ENTRY_PARTIAL) != 0)) {
    return damaged("entry '%.80s' has batch %" PRId64 " and flags 0x%" PRIx32, name, record.batch,
                   record.flags);
  }
  if (record.arena_bytes > h.arena_bytes) {
    return damaged("entry '%.80s' uses %" PRIu64 " bytes of an arena of %" PRIu64, name,
                   record.arena_bytes, h.arena_bytes);
  }
  if (!span(record.inputs, h.ports_count, "input ports") ||
      !span(record.outputs, h.ports_count, "output ports") ||
      !span(record.commands, h.commands_count, "commands")) {
    return false;
  }
  if (record.inputs.count > kMaxPortsPerEntry || record.outputs.count > kMaxPortsPerEntry) {
    return damaged("entry '%.80s' has more than %" PRIu32 " ports", name, kMaxPortsPerEntry);
  }
  for (uint32_t i = 0; i < record.inputs.count; ++i) {
    if (!port(record, record.inputs.first + i, true)) return false;
  }
  for (uint32_t i = 0; i < record.outputs.count; ++i) {
    if (!port(record, record.outputs.first + i, false)) return false;
  }
  for (uint32_t i = 0; i < record.commands.count; ++i) {
    if (!command(record, record.commands.first + i)) return false;
  }
  return true;
}

bool Verifier::port(const graven_entry_record &entry, uint32_t index, bool is_input) {
  const graven_port_record &port = table_.ports[index];
  if (port.kind == GRAVEN_PORT_ROWS && (!is_input || entry.batch == 0)) {
    return damaged("port %" PRIu32 " counts rows where there are none", index);
  }
  if ((port.flags & GRAVEN_PORT_BATCHED) != 0 &&
      (entry.batch == 0 || port.tensor.rank == 0 || port.tensor.dims[0] != entry.batch)) {
    return damaged("port %" PRIu32 " is batched and has not %" PRId64 " rows", index, entry.batch);
  }
  return true;
}

bool Verifier::command(const graven_entry_record &entry, uint32_t index) {
  const graven_table_header &h = *table_.header;
  const graven_command_record &command = table_.commands[index];
  if (!span(command.operands, h.operands_count, "operands")) return false;
  for (uint32_t i = 0; i < command.operands.count; ++i) {
    if (!operand(entry, command.operands.first + i)) return false;
  }
  const graven_operand_record *operands = table_.operands + command.operands.first;
  if (command.reserved != 0) return damaged("command %" PRIu32 " has unknown content", index);
  switch (command.kind) {
    case GRAVEN_COMMAND_LAUNCH:
      if (command.kernel >= h.kernels_count || command.grid < 0) {
        return damaged("command %" PRIu32 " launches kernel %" PRIu32 " of %" PRIu32
                       " on a grid of %" PRId64,
                       index, command.kernel, h.kernels_count, command.grid);
      }
      return true;
    case GRAVEN_COMMAND_COPY:
      if (command.operands.count != 2 || operands[0].bytes != operands[1].bytes ||
          operands[0].access != GRAVEN_OPERAND_READ || operands[1].access != GRAVEN_OPERAND_WRITE) {
        return damaged("command %" PRIu32 " copies between unequal operands", index);
      }
      return true;
    case GRAVEN_COMMAND_FILL:
      if (command.operands.count != 1 || operands[0].access != GRAVEN_OPERAND_WRITE ||
          command.fill_byte > 255) {
        return damaged("command %" PRIu32 " fills something else than one operand with a byte",
                       index);
      }
      return true;
    default:
      return damaged("command %" PRIu32 " is of the unknown kind %" PRIu32, index, command.kind);
  }
}

bool Verifier::operand(const graven_entry_record &entry, uint32_t index) {
  const graven_table_header &h = *table_.header;
  const graven_operand_record &operand = table_.operands[index];
  uint64_t limit = 0;
  uint32_t slots = 1;
  bool writable = true;
  switch (operand.segment) {
    case GRAVEN_SEGMENT_CONSTANT:
      limit = h.constant_bytes;
      writable = false;
      break;
    case GRAVEN_SEGMENT_STATE:
      limit = h.state_bytes;
      break;
    case GRAVEN_SEGMENT_METRIC:
      limit = h.metric_bytes;
      break;
    case GRAVEN_SEGMENT_ARENA:
      limit = entry.arena_bytes;
      break;
    case GRAVEN_SEGMENT_INPUT:
      slots = entry.inputs.count;
      if (operand.slot < slots) {
        limit = table_.ports[entry.inputs.first + operand.slot].tensor.bytes;
      }
      writable = false;
      break;
    case GRAVEN_SEGMENT_OUTPUT:
      slots = entry.outputs.count;
      if (operand.slot < slots) {
        limit = table_.ports[entry.outputs.first + operand.slot].tensor.bytes;
      }
      break;
    default:
      return damaged("operand %" PRIu32 " lies in the unknown segment %" PRIu32, index,
                     operand.segment);
  }
  if (operand.slot >= slots) {
    return damaged("operand %" PRIu32 " has slot %" PRIu32 " of %" PRIu32, index, operand.slot,
                   slots);
  }
  if (operand.access == 0 || operand.access > (GRAVEN_OPERAND_READ | GRAVEN_OPERAND_WRITE) ||
      (!writable && (operand.access & GRAVEN_OPERAND_WRITE) != 0)) {
    return damaged("operand %" PRIu32 " has the impossible access %" PRIu32, index, operand.access);
  }
  if (!inside(operand.offset, operand.bytes, limit)) {
    return damaged("operand %" PRIu32 " covers bytes [%" PRIu64 ", +%" PRIu64 ") of %" PRIu64,
                   index, operand.offset, operand.bytes, limit);
  }
  return true;
}

}  // namespace

graven_status verify_artifact(const graven_artifact *artifact, Table *table) {
  *table = Table{};
  if (artifact->magic != GRAVEN_ARTIFACT_MAGIC) {
    return fail(GRAVEN_CORRUPT,
                "this is no Graven artifact: its magic number is 0x%08" PRIx32
                ", expected 0x%08" PRIx32 "; compile the model again",
                artifact->magic, GRAVEN_ARTIFACT_MAGIC);
  }
  if (artifact->format != GRAVEN_ARTIFACT_FORMAT) {
    return fail(GRAVEN_INCOMPATIBLE,
                "the artifact has format version %" PRIu32 ", this runtime reads version %" PRIu32
                "; compile the model with the compiler that belongs to this runtime",
                artifact->format, GRAVEN_ARTIFACT_FORMAT);
  }
  if (!artifact->table || artifact->table_bytes < sizeof(graven_table_header) ||
      artifact->table_bytes > UINT32_MAX || reinterpret_cast<uintptr_t>(artifact->table) % 8 != 0) {
    return fail(GRAVEN_CORRUPT,
                "the artifact's table is damaged: %" PRIu64
                " bytes at %p cannot hold it; compile the model again",
                artifact->table_bytes, artifact->table);
  }
  return Verifier(*artifact, table).run();
}

}  // namespace graven1
