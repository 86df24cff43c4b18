#include "compiler/package/table_writer.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <system_error>

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/xxhash.h"

namespace graven::package {
namespace {

static_assert(llvm::endianness::native == llvm::endianness::little,
              "tables are little-endian and are written as they lie in memory");

uint64_t elementBytes(graven_dtype dtype) {
  switch (dtype) {
    case GRAVEN_F64:
    case GRAVEN_I64:
      return 8;
    case GRAVEN_F32:
    case GRAVEN_I32:
      return 4;
    case GRAVEN_F16:
    case GRAVEN_BF16:
      return 2;
    case GRAVEN_I1:
    case GRAVEN_UI8:
      return 1;
  }
  return 0;
}

uint64_t bytesOf(const Image &image) {
  return image.bytes.size() + (image.kind == GRAVEN_IMAGE_PTX ? 1 : 0);
}

// Constants of fewer bytes stay in the ELF file: a mapping of their own would cost more than a
// copy.
constexpr size_t kLeastWeights = 4096;

// Collects records section by section, then lays them out.
class Table {
 public:
  explicit Table(const Model &model) : model_(model) {
    std::memset(&header_, 0, sizeof header_);
    addStates();
    for (const Kernel &kernel : model.kernels)
      kernels_.push_back({text(kernel.symbol), kernel.threads, kernel.shared_bytes});
    addImages();
    for (const Entry &entry : model.entries) addEntry(entry);
    for (const Metric &metric : model.metrics)
      metrics_.push_back({text(metric.name), metric.numerator, metric.denominator});
    fillHeader();
  }

  std::string write() {
    std::string bytes(sizeof header_, '\0');
    header_.states_count = append(bytes, states_, header_.states_offset);
    header_.ports_count = append(bytes, ports_, header_.ports_offset);
    header_.operands_count = append(bytes, operands_, header_.operands_offset);
    header_.commands_count = append(bytes, commands_, header_.commands_offset);
    header_.kernels_count = append(bytes, kernels_, header_.kernels_offset);
    header_.entries_count = append(bytes, entries_, header_.entries_offset);
    header_.metrics_count = append(bytes, metrics_, header_.metrics_offset);
    header_.images_count = append(bytes, images_, header_.images_offset);
    header_.strings_bytes =
        append(bytes, std::vector<char>(strings_.begin(), strings_.end()), header_.strings_offset);
    header_.table_bytes = bytes.size();
    std::memcpy(bytes.data(), &header_, sizeof header_);
    header_.digest = llvm::xxHash64(bytes);
    std::memcpy(bytes.data(), &header_, sizeof header_);
    return bytes;
  }

 private:
  // Records hold no padding that a compiler would leave undefined: each starts zeroed.
  template <typename Record>
  static Record zeroed() {
    Record record;
    std::memset(&record, 0, sizeof record);
    return record;
  }

  template <typename Record>
  static uint32_t append(std::string &bytes, const std::vector<Record> &records, uint32_t &offset) {
    bytes.resize(llvm::alignTo(bytes.size(), 8), '\0');
    offset = static_cast<uint32_t>(bytes.size());
    bytes.append(reinterpret_cast<const char *>(records.data()), records.size() * sizeof(Record));
    return static_cast<uint32_t>(records.size());
  }

  graven_text text(const std::string &value) {
    auto [place, isNew] = texts_.try_emplace(value, static_cast<uint32_t>(strings_.size()));
    if (isNew) {
      strings_ += value;
      strings_ += '\0';
    }
    return {place->second, static_cast<uint32_t>(value.size())};
  }

  static graven_tensor_record tensor(const Tensor &tensor) {
    auto record = zeroed<graven_tensor_record>();
    record.dtype = tensor.dtype;
    record.rank = static_cast<uint32_t>(tensor.dims.size());
    std::copy(tensor.dims.begin(), tensor.dims.end(), record.dims);
    record.bytes = tensor.bytes();
    return record;
  }

  void addStates() {
    std::string layout;
    for (const State &state : model_.states) {
      bool metric = state.role == GRAVEN_ROLE_METRIC;
      auto record = zeroed<graven_state_record>();
      record.name = text(state.name);
      record.tensor = tensor(state.tensor);
      record.role = state.role;
      record.segment = metric ? GRAVEN_SEGMENT_METRIC : GRAVEN_SEGMENT_STATE;
      record.offset = state.offset;
      states_.push_back(record);
      if (metric) continue;
      layout +=
          state.name + '\0' + std::to_string(state.role) + ' ' + std::to_string(state.tensor.dtype);
      for (int64_t dim : state.tensor.dims) layout += ' ' + std::to_string(dim);
      layout += '\n';
    }
    header_.layout_digest = llvm::xxHash64(layout);
  }

  void addImages() {
    uint64_t offset = 0;
    for (const Image &image : model_.images) {
      auto record = zeroed<graven_image_record>();
      record.kind = image.kind;
      record.architecture = image.architecture;
      record.offset = offset;
      record.bytes = bytesOf(image);
      images_.push_back(record);
      offset += llvm::alignTo(record.bytes, 8);
    }
  }

  graven_span addPorts(const std::vector<Port> &ports) {
    graven_span span = {static_cast<uint32_t>(ports_.size()), static_cast<uint32_t>(ports.size())};
    for (const Port &port : ports) {
      auto record = zeroed<graven_port_record>();
      record.name = text(port.name);
      record.tensor = tensor(port.tensor);
      record.kind = port.kind;
      record.flags = port.flags;
      record.range_lo = port.range_low;
      record.range_hi = port.range_high;
      ports_.push_back(record);
    }
    return span;
  }

  void addEntry(const Entry &entry) {
    auto record = zeroed<graven_entry_record>();
    record.name = text(entry.name);
    record.batch = entry.batch;
    record.flags = entry.flags;
    record.arena_bytes = entry.arena_bytes;
    record.inputs = addPorts(entry.inputs);
    record.outputs = addPorts(entry.outputs);
    record.commands = {static_cast<uint32_t>(commands_.size()),
                       static_cast<uint32_t>(entry.commands.size())};
    for (const Command &command : entry.commands) addCommand(command);
    entries_.push_back(record);
  }

  void addCommand(const Command &command) {
    auto record = zeroed<graven_command_record>();
    record.kind = command.kind;
    record.kernel = command.kernel;
    record.grid = command.grid;
    record.operands = {static_cast<uint32_t>(operands_.size()),
                       static_cast<uint32_t>(command.operands.size())};
    record.flops = command.flops;
    record.bytes = command.bytes;
    record.fill_byte = command.fill_byte;
    for (const Operand &operand : command.operands)
      operands_.push_back({static_cast<uint32_t>(operand.segment), operand.slot, operand.offset,
                           operand.bytes, operand.value, operand.access});
    commands_.push_back(record);
  }

  void fillHeader() {
    header_.magic = GRAVEN_ARTIFACT_MAGIC;
    header_.format = GRAVEN_ARTIFACT_FORMAT;
    header_.model_name = text(model_.name);
    header_.signature = text(model_.signature);
    header_.target = text(model_.target);
    header_.device = text(model_.device);
    header_.cpu_features = text(llvm::join(model_.cpu_features, ","));
    header_.state_bytes = model_.state_bytes;
    header_.metric_bytes = model_.metric_bytes;
    header_.constant_bytes = model_.constants.size();
    header_.arena_bytes = model_.arenaBytes();
  }

  const Model &model_;
  graven_table_header header_;
  std::string strings_;
  std::map<std::string, uint32_t> texts_;
  std::vector<graven_state_record> states_;
  std::vector<graven_port_record> ports_;
  std::vector<graven_operand_record> operands_;
  std::vector<graven_command_record> commands_;
  std::vector<graven_kernel_record> kernels_;
  std::vector<graven_entry_record> entries_;
  std::vector<graven_metric_record> metrics_;
  std::vector<graven_image_record> images_;
};

}  // namespace

uint64_t Tensor::bytes() const {
  uint64_t bytes = elementBytes(dtype);
  for (int64_t dim : dims) bytes *= static_cast<uint64_t>(dim);
  return bytes;
}

uint64_t Model::arenaBytes() const {
  uint64_t bytes = 0;
  for (const Entry &entry : entries) bytes = std::max(bytes, entry.arena_bytes);
  return bytes;
}

uint64_t Model::peakBytes() const {
  return state_bytes + metric_bytes + constants.size() + arenaBytes();
}

std::string writeImages(const Model &model) {
  std::string blob;
  for (const Image &image : model.images) {
    blob += image.bytes;
    blob.resize(llvm::alignTo(blob.size() - image.bytes.size() + bytesOf(image), 8), '\0');
  }
  return blob;
}

std::string writeTable(const Model &model) { return Table(model).write(); }

std::string artifactSymbol(llvm::StringRef model_name) {
  std::string symbol = "graven_model_";
  for (char c : model_name) symbol += llvm::isAlnum(c) || c == '_' ? c : '_';
  return symbol;
}

bool areWeightsApart(const Model &model) { return model.constants.size() >= kLeastWeights; }

llvm::Error finishSharedArtifact(std::string &elf, llvm::StringRef symbol,
                                 llvm::StringRef weights) {
  graven_trailer trailer;
  std::memset(&trailer, 0, sizeof trailer);
  if (symbol.size() >= sizeof trailer.symbol)
    return llvm::createStringError(
        std::make_error_code(std::errc::invalid_argument),
        "the model's name is too long: its symbol '" + symbol + "' has " +
            llvm::Twine(symbol.size()) + " characters, at most " +
            llvm::Twine(sizeof trailer.symbol - 1) + " are possible; give it a shorter name");
  if (!weights.empty()) elf.resize(llvm::alignTo(elf.size(), GRAVEN_SEGMENT_ALIGNMENT), '\0');
  trailer.digest = llvm::xxHash64(elf);
  trailer.file_bytes = elf.size();
  trailer.weights_bytes = weights.size();
  if (!weights.empty()) trailer.weights_digest = llvm::xxHash64(weights);
  std::memcpy(trailer.symbol, symbol.data(), symbol.size());
  std::memcpy(trailer.magic, GRAVEN_TRAILER_MAGIC, sizeof trailer.magic);
  elf.append(weights.data(), weights.size());
  elf.append(reinterpret_cast<const char *>(&trailer), sizeof trailer);
  return llvm::Error::success();
}

}  // namespace graven::package
