// Reads a safetensors file into a new image of the state; the state takes the image over only when
// everything is sound. Plain safetensors files (weights from numpy, say) are accepted too.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/core/checkpoint_format.h"
#include "runtime/core/digest.h"
#include "runtime/core/error.h"
#include "runtime/core/json.h"
#include "runtime/core/sort.h"
#include "runtime/core/state.h"
#include "runtime/core/text.h"

namespace graven1 {
namespace {

// Where a state's data lie, counted from the start of the data.
struct Piece {
  uint32_t state;
  uint64_t begin, end;
};

bool parse_digest(const char *text, size_t bytes, uint64_t *value) {
  *value = 0;
  if (bytes != kDigestDigits) return false;
  for (size_t i = 0; i < bytes; ++i) {
    char c = text[i];
    bool digit = c >= '0' && c <= '9', letter = c >= 'a' && c <= 'f';
    if (!digit && !letter) return false;
    *value = *value << 4 | static_cast<uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return true;
}

class Reader {
 public:
  Reader(graven_state &state, const char *path)
      : state_(state), model_(*state.model), table_(state.model->table), path_(path) {}
  ~Reader();
  Reader(const Reader &) = delete;
  Reader &operator=(const Reader &) = delete;

  graven_status read();

 private:
  graven_status open_file();
  graven_status read_header();
  graven_status parse_header();
  graven_status parse_metadata(JsonReader &json);
  graven_status parse_tensor(JsonReader &json, JsonText name);
  graven_status check_metadata();
  graven_status check_pieces();
  graven_status read_data();
  graven_status read_piece(const Piece &piece);
  graven_status keep_missing();
  graven_status read_at(uint64_t offset, void *data, size_t bytes);
  graven_status add_metadata(JsonText key, JsonText value);
  const char *metadata(const char *key) const;
  void take_over();

  graven_status damaged(const char *format, ...)
      __attribute__((format(printf, 2, 3), cold, noinline));
  graven_status unfit(const char *format, ...)
      __attribute__((format(printf, 2, 3), cold, noinline));
  graven_status bad_json(const JsonReader &json) {
    return damaged("its header is not as safetensors has it: %s at byte %zu", json.error(),
                   json.position() + 8);
  }

  graven_state &state_;
  const graven_model &model_;
  const Table &table_;
  const char *path_;
  int file_ = -1;
  uint64_t file_bytes_ = 0, header_bytes_ = 0;
  char *header_ = nullptr;
  bool header_digest_ok_ = false;
  Piece *pieces_ = nullptr;
  uint32_t piece_count_ = 0;
  bool *present_ = nullptr;  // per state record
  Metadata metadata_ = {};
  uint32_t metadata_capacity_ = 0;
  bool is_checkpoint_ = false;  // has the runtime's own metadata
  char *image_ = nullptr;
  Digest digest_;
};

Reader::~Reader() {
  if (file_ >= 0) close(file_);
  free(header_);
  free(metadata_.pairs);
  free(pieces_);
  free(present_);
  if (image_) model_.device->release(model_.device->self, image_, table_.header->state_bytes);
}

graven_status Reader::damaged(const char *format, ...) {
  char reason[384];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  return fail(GRAVEN_CORRUPT, "'%s' is damaged: %s; use another checkpoint. The state is unchanged",
              shown(path_), reason);
}

graven_status Reader::unfit(const char *format, ...) {
  char reason[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reason, sizeof reason, format, arguments);
  va_end(arguments);
  return fail(GRAVEN_INCOMPATIBLE,
              "'%s' does not fit model '%.80s': %s; use the model that it was saved from, or train "
              "anew. The state is unchanged",
              shown(path_), table_.text(table_.header->model_name), reason);
}

graven_status Reader::open_file() {
  char text[kErrnoTextBytes];
  file_ = open(path_, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status;
  if (file_ < 0 || fstat(file_, &status) != 0) {
    int error = errno;
    return fail(error == ENOENT ? GRAVEN_NOT_FOUND : GRAVEN_IO_ERROR, "cannot open '%s': %s%s",
                shown(path_), errno_text(error, text),
                error == ENOENT ? "; check the path, relative to the working directory"
                                : errno_remedy(error));
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(GRAVEN_INVALID_ARGUMENT, "'%s' is not a file; give the path of a checkpoint",
                shown(path_));
  }
  file_bytes_ = static_cast<uint64_t>(status.st_size);
  return GRAVEN_OK;
}

graven_status Reader::read_at(uint64_t offset, void *data, size_t bytes) {
  char *to = static_cast<char *>(data);
  while (bytes > 0) {
    ssize_t got = pread(file_, to, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      char text[kErrnoTextBytes];
      int error = errno;
      return fail(GRAVEN_IO_ERROR, "cannot read '%s': %s%s", shown(path_), errno_text(error, text),
                  errno_remedy(error));
    }
    if (got == 0) return damaged("it became shorter while it was read");
    to += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<size_t>(got);
  }
  return GRAVEN_OK;
}

// Reads the header and checks its digest, if it begins as a checkpoint's does.
graven_status Reader::read_header() {
  if (file_bytes_ < 10) return damaged("it has %" PRIu64 " bytes and is cut off", file_bytes_);
  graven_status status = read_at(0, &header_bytes_, sizeof header_bytes_);
  if (status != GRAVEN_OK) return status;
  if (header_bytes_ < 2 || header_bytes_ > kMaxHeaderBytes || header_bytes_ > file_bytes_ - 8) {
    return damaged("its header of %" PRIu64 " bytes does not fit in a file of %" PRIu64
                   ", or it is no safetensors file",
                   header_bytes_, file_bytes_);
  }
  header_ = static_cast<char *>(malloc(header_bytes_ + 1));
  if (!header_) return fail_memory(header_bytes_ + 1, "a checkpoint's header");
  status = read_at(8, header_, header_bytes_);
  if (status != GRAVEN_OK) return status;
  header_[header_bytes_] = 0;
  uint64_t expected;
  if (header_bytes_ < kHeaderStartBytes + kDigestDigits ||
      memcmp(header_, kHeaderStart, kHeaderStartBytes) != 0 ||
      !parse_digest(header_ + kHeaderStartBytes, kDigestDigits, &expected)) {
    return GRAVEN_OK;
  }
  static constexpr char kZeros[kDigestDigits + 1] = "0000000000000000";
  Digest digest;
  digest.add(&header_bytes_, sizeof header_bytes_);
  digest.add(header_, kHeaderStartBytes);
  digest.add(kZeros, kDigestDigits);
  digest.add(header_ + kHeaderStartBytes + kDigestDigits,
             header_bytes_ - kHeaderStartBytes - kDigestDigits);
  if (digest.value() != expected) {
    return damaged("the digest of its header is %016" PRIx64 ", expected %016" PRIx64,
                   digest.value(), expected);
  }
  header_digest_ok_ = true;
  return GRAVEN_OK;
}

graven_status Reader::parse_header() {
  uint32_t states = table_.header->states_count;
  pieces_ = static_cast<Piece *>(malloc((states + 1) * sizeof(Piece)));
  present_ = static_cast<bool *>(calloc(states + 1, sizeof(bool)));
  if (!pieces_ || !present_) return fail_memory(states * sizeof(Piece), "reading a checkpoint");
  JsonReader json(header_, header_bytes_);
  bool seen_metadata = false;
  if (!json.expect('{')) return bad_json(json);
  if (!json.accept('}')) {
    do {
      JsonText name;
      if (!json.string(&name) || !json.expect(':')) return bad_json(json);
      bool is_metadata = name.is("__metadata__");
      if (is_metadata && seen_metadata) return damaged("its header has two __metadata__");
      seen_metadata |= is_metadata;
      graven_status status = is_metadata ? parse_metadata(json) : parse_tensor(json, name);
      if (status != GRAVEN_OK) return status;
    } while (json.accept(','));
    if (!json.expect('}')) return bad_json(json);
  }
  if (!json.ended()) {
    json.fail("expected the end");
    return bad_json(json);
  }
  return GRAVEN_OK;
}

graven_status Reader::add_metadata(JsonText key, JsonText value) {
  if (metadata(key.data)) return damaged("its metadata has '%.80s' twice", key.data);
  if (metadata_.count == kMaxMetadata) {
    return damaged("it has more than %" PRIu32 " metadata pairs", kMaxMetadata);
  }
  if (metadata_.count == metadata_capacity_) {
    uint32_t capacity = metadata_capacity_ ? 2 * metadata_capacity_ : 16;
    void *grown = realloc(metadata_.pairs, 2 * capacity * sizeof(char *));
    if (!grown) return fail_memory(2 * capacity * sizeof(char *), "a checkpoint's metadata");
    metadata_.pairs = static_cast<const char **>(grown);
    metadata_capacity_ = capacity;
  }
  metadata_.pairs[2 * metadata_.count] = key.data;
  metadata_.pairs[2 * metadata_.count + 1] = value.data;
  ++metadata_.count;
  if (strncmp(key.data, kReservedPrefix, sizeof kReservedPrefix - 1) == 0) is_checkpoint_ = true;
  return GRAVEN_OK;
}

graven_status Reader::parse_metadata(JsonReader &json) {
  if (!json.expect('{')) return bad_json(json);
  if (json.accept('}')) return GRAVEN_OK;
  do {
    JsonText key, value;
    if (!json.string(&key) || !json.expect(':') || !json.string(&value)) return bad_json(json);
    if (graven_status status = add_metadata(key, value); status != GRAVEN_OK) return status;
  } while (json.accept(','));
  if (!json.expect('}')) return bad_json(json);
  return check_metadata();
}

const char *Reader::metadata(const char *key) const {
  for (uint32_t i = 0; i < metadata_.count; ++i) {
    if (strcmp(metadata_.pairs[2 * i], key) == 0) return metadata_.pairs[2 * i + 1];
  }
  return nullptr;
}

graven_status Reader::check_metadata() {
  if (!is_checkpoint_) return GRAVEN_OK;
  uint64_t digest;
  const char *format = metadata(kFormatKey), *data = metadata(kDataKey);
  const char *layout = metadata(kLayoutKey), *model = metadata(kModelKey);
  if (!header_digest_ok_ || !format || !model || !data || !layout ||
      !parse_digest(data, strlen(data), &digest) ||
      !parse_digest(layout, strlen(layout), &digest)) {
    return damaged(
        "its 'graven.' metadata are not as they were written, by a fault or by another "
        "program");
  }
  if (strcmp(format, kFormatValue) != 0) {
    return fail(GRAVEN_INCOMPATIBLE,
                "'%s' is a checkpoint of format version %.20s, this runtime reads version %s; load "
                "it with the version of Graven that wrote it. The state is unchanged",
                shown(path_), format, kFormatValue);
  }
  return GRAVEN_OK;
}

graven_status Reader::parse_tensor(JsonReader &json, JsonText name) {
  graven_tensor_record tensor = {};
  uint64_t offsets[2] = {};
  bool has_dtype = false, has_shape = false, has_offsets = false;
  const ElementType *type = nullptr;
  JsonText dtype = {"", 0};
  if (!json.expect('{')) return bad_json(json);
  do {
    JsonText key;
    if (!json.string(&key) || !json.expect(':')) return bad_json(json);
    if (key.is("dtype") && !has_dtype) {
      has_dtype = true;
      if (!json.string(&dtype)) return bad_json(json);
      type = element_type_from_safetensors(dtype.data, dtype.bytes);
    } else if (key.is("shape") && !has_shape) {
      has_shape = true;
      if (!json.expect('[')) return bad_json(json);
      if (json.accept(']')) continue;
      do {
        uint64_t size;
        if (!json.number(&size)) return bad_json(json);
        if (tensor.rank < GRAVEN_MAX_RANK) tensor.dims[tensor.rank] = static_cast<int64_t>(size);
        ++tensor.rank;
      } while (json.accept(','));
      if (!json.expect(']')) return bad_json(json);
    } else if (key.is("data_offsets") && !has_offsets) {
      has_offsets = true;
      if (!json.expect('[') || !json.number(&offsets[0]) || !json.expect(',') ||
          !json.number(&offsets[1]) || !json.expect(']')) {
        return bad_json(json);
      }
    } else {
      json.fail("expected each of dtype, shape and data_offsets once");
      return bad_json(json);
    }
  } while (json.accept(','));
  if (!json.expect('}')) return bad_json(json);
  if (!has_dtype || !has_shape || !has_offsets) {
    return damaged("tensor '%.80s' lacks its dtype, shape or data_offsets", name.data);
  }
  const char *written_by = metadata(kModelKey);
  int32_t index = find_state(model_, name.data, name.bytes);
  if (index < 0 || table_.states[index].role == GRAVEN_ROLE_METRIC) {
    return unfit("it holds '%.80s', which this model has not%s%.80s", name.data,
                 written_by ? "; it was saved from model " : "", written_by ? written_by : "");
  }
  if (present_[index]) return damaged("it holds '%.80s' twice", name.data);
  const graven_state_record &record = table_.states[index];
  char expected[kTypeTextBytes], got[kTypeTextBytes];
  tensor.dtype = type ? type->dtype : 0;
  if (!type || tensor.rank != record.tensor.rank || tensor.dtype != record.tensor.dtype ||
      memcmp(tensor.dims, record.tensor.dims, sizeof tensor.dims) != 0) {
    type_text(record.tensor, expected);
    if (!type) {
      return unfit("'%.80s' is of type %.20s there, expected %s", name.data, dtype.data, expected);
    }
    return unfit("'%.80s' is %s there, expected %s%s%.80s", name.data, type_text(tensor, got),
                 expected, written_by ? "; it was saved from model " : "",
                 written_by ? written_by : "");
  }
  if (offsets[0] > offsets[1] || offsets[1] - offsets[0] != record.tensor.bytes) {
    return damaged("tensor '%.80s' lies at bytes [%" PRIu64 ", %" PRIu64 "), expected %" PRIu64
                   " bytes",
                   name.data, offsets[0], offsets[1], record.tensor.bytes);
  }
  present_[index] = true;
  pieces_[piece_count_++] = {static_cast<uint32_t>(index), offsets[0], offsets[1]};
  return GRAVEN_OK;
}

// The tensors must cover the data without hole or overlap, and nothing that the model needs may be
// missing: everything in a checkpoint, parameters and statistics in a plain file of weights.
graven_status Reader::check_pieces() {
  heap_sort(pieces_, piece_count_, [](const Piece &a, const Piece &b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  uint64_t at = 0, data_bytes = file_bytes_ - 8 - header_bytes_;
  for (uint32_t i = 0; i < piece_count_; ++i) {
    if (pieces_[i].begin != at) {
      return damaged("the data of '%.80s' begin at byte %" PRIu64 ", expected %" PRIu64,
                     table_.text(table_.states[pieces_[i].state].name), pieces_[i].begin, at);
    }
    at = pieces_[i].end;
  }
  if (at != data_bytes) {
    return damaged("it has %" PRIu64 " bytes of data, its header says %" PRIu64, data_bytes, at);
  }
  for (uint32_t i = 0; i < table_.header->states_count; ++i) {
    uint32_t role = table_.states[i].role;
    bool needed = role == GRAVEN_ROLE_PARAMETER || role == GRAVEN_ROLE_STATISTIC ||
                  (is_checkpoint_ && role != GRAVEN_ROLE_METRIC);
    if (!needed || present_[i]) continue;
    char type[kTypeTextBytes];
    return unfit("it lacks state '%.80s' (%s)", table_.text(table_.states[i].name),
                 type_text(table_.states[i].tensor, type));
  }
  if (is_checkpoint_) {
    uint64_t layout = 0;
    const char *text = metadata(kLayoutKey);
    parse_digest(text, strlen(text), &layout);
    if (layout != table_.header->layout_digest) {
      return unfit("it was saved from another model, '%.80s', with layout digest %016" PRIx64
                   ", expected %016" PRIx64,
                   metadata(kModelKey), layout, table_.header->layout_digest);
    }
  }
  return GRAVEN_OK;
}

graven_status Reader::read_piece(const Piece &piece) {
  const Device &device = *model_.device;
  const graven_state_record &record = table_.states[piece.state];
  char *to = image_ + record.offset;
  bool sound = true;
  char buffer[1 << 14];
  uint64_t at = piece.begin;
  while (at < piece.end) {
    uint64_t left = piece.end - at;
    // Host memory is read into in place, in pieces that stay in cache for the digest.
    uint64_t most = device.uses_host_memory ? uint64_t{1} << 18 : sizeof buffer;
    size_t bytes = static_cast<size_t>(left < most ? left : most);
    char *data = device.uses_host_memory ? to + (at - piece.begin) : buffer;
    graven_status status = read_at(8 + header_bytes_ + at, data, bytes);
    if (status != GRAVEN_OK) return status;
    digest_.add(data, bytes);
    if (record.tensor.dtype == GRAVEN_I1) sound &= is_boolean(data, bytes);
    if (!device.uses_host_memory) {
      status = device.upload(device.self, to + (at - piece.begin), data, bytes);
      if (status != GRAVEN_OK) return status;
    }
    at += bytes;
  }
  if (!sound) {
    return damaged("'%.80s' is of type BOOL and holds other bytes than 0 and 1",
                   table_.text(record.name));
  }
  return GRAVEN_OK;
}

// States that a plain file of weights need not have keep their values.
graven_status Reader::keep_missing() {
  const Device &device = *model_.device;
  for (uint32_t i = 0; i < table_.header->states_count; ++i) {
    const graven_state_record &record = table_.states[i];
    if (present_[i] || record.role == GRAVEN_ROLE_METRIC) continue;
    char buffer[1 << 12];
    for (uint64_t at = 0; at < record.tensor.bytes;) {
      uint64_t left = record.tensor.bytes - at;
      size_t bytes = left < sizeof buffer ? static_cast<size_t>(left) : sizeof buffer;
      graven_status status =
          device.download(device.self, buffer, state_.memory + record.offset + at, bytes);
      if (status == GRAVEN_OK) {
        status = device.upload(device.self, image_ + record.offset + at, buffer, bytes);
      }
      if (status != GRAVEN_OK) return status;
      at += bytes;
    }
  }
  return GRAVEN_OK;
}

graven_status Reader::read_data() {
  const Device &device = *model_.device;
  uint64_t bytes = table_.header->state_bytes;
  void *image;
  graven_status status = device.allocate(device.self, bytes, "loading a checkpoint", &image);
  if (status != GRAVEN_OK) return status;
  image_ = static_cast<char *>(image);
  status = device.clear(device.self, image_, bytes);
  for (uint32_t i = 0; i < piece_count_ && status == GRAVEN_OK; ++i) {
    status = read_piece(pieces_[i]);
  }
  if (status == GRAVEN_OK) status = keep_missing();
  if (status != GRAVEN_OK || !is_checkpoint_) return status;
  uint64_t expected = 0;
  const char *text = metadata(kDataKey);
  parse_digest(text, strlen(text), &expected);
  if (digest_.value() != expected) {
    return damaged("the digest of its data is %016" PRIx64 ", expected %016" PRIx64,
                   digest_.value(), expected);
  }
  return GRAVEN_OK;
}

// The state takes the image and the metadata; what it had goes with this reader.
void Reader::take_over() {
  char *memory = state_.memory;
  state_.memory = image_;
  image_ = memory;
  metadata_.text = header_;
  Metadata old = state_.metadata;
  state_.metadata = metadata_;
  metadata_ = old;
  header_ = old.text;
}

graven_status Reader::read() {
  graven_status status = open_file();
  if (status == GRAVEN_OK) status = read_header();
  if (status == GRAVEN_OK) status = parse_header();
  if (status == GRAVEN_OK) status = check_pieces();
  if (status == GRAVEN_OK) status = read_data();
  if (status == GRAVEN_OK) take_over();
  return status;
}

}  // namespace

graven_status load_checkpoint(graven_state &state, const char *path) {
  return Reader(state, path).read();
}

}  // namespace graven1
