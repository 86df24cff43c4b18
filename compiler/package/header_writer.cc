#include "compiler/package/header_writer.h"

#include <algorithm>
#include <map>
#include <system_error>

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"

namespace graven::package {
namespace {

// <graven/graven.h> and what it includes, guards and all.
constexpr char kInterface[] =
#include "compiler/package/c_interface.inc"
    ;

std::string macroWord(llvm::StringRef name) {
  std::string word;
  for (char c : name) word += llvm::isAlnum(c) ? llvm::toUpper(c) : '_';
  return word;
}

class Header {
 public:
  explicit Header(const Model &model)
      : model_(model), prefix_("GRAVEN_" + macroWord(model.name) + "_"), out_(text_) {}

  llvm::Expected<std::string> write() {
    std::string symbol = artifactSymbol(model_.name);
    std::string guard = prefix_ + "H_";
    out_ << "// The compiled model '" << model_.name << "', made by graven-compile.\n"
         << usage(symbol) << "#ifndef " << guard << "\n#define " << guard << "\n\n"
         << kInterface << "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
         << "extern const graven_artifact " << symbol << ";\n\n";

    out_ << "// Bytes: all state; metrics; constants in the artifact; scratch of the largest "
            "entry;\n"
            "// the most that training holds at once, the caller's inputs and outputs aside.\n";
    number("STATE_BYTES", model_.state_bytes, "the size of all state");
    number("METRIC_BYTES", model_.metric_bytes, "the size of the metrics");
    number("CONSTANT_BYTES", model_.constants.size(), "the size of the constants");
    number("ARENA_BYTES", model_.arenaBytes(), "the size of the scratch memory");
    number("PEAK_BYTES", model_.peakBytes(), "the peak of memory");
    writeEntries();
    writeStates();
    out_ << "\n#ifdef __cplusplus\n}  // extern \"C\"\n#endif\n\n#endif  // " << guard << "\n";
    if (!problem_.empty())
      return llvm::createStringError(std::make_error_code(std::errc::invalid_argument), problem_);
    return text_;
  }

 private:
  // A few lines of C that use the model.
  std::string usage(const std::string &symbol) const {
    std::string text =
        "//\n//   graven_model *model;\n//   graven_state *state;\n//   graven_context *context;\n"
        "//   graven_model_create(&" +
        symbol +
        ", &model);\n"
        "//   graven_state_create(model, &state);\n"
        "//   graven_context_create(model, NULL, &context);\n";
    for (const Entry &entry : model_.entries) {
      std::string inputs, outputs;
      for (const Port &port : entry.inputs)
        if (port.kind == GRAVEN_PORT_DATA) inputs += (inputs.empty() ? "" : ", ") + port.name;
      for (const Port &port : entry.outputs) outputs += (outputs.empty() ? "&" : ", &") + port.name;
      text += "//   graven_call(context, state, " + prefix_ + "ENTRY_" + entryWord(entry) + ", " +
              (entry.batch ? "rows" : "0") + ",\n//               ";
      text += inputs.empty() ? "NULL, " : "(const void *[]){" + inputs + "}, ";
      text += outputs.empty() ? "NULL);\n" : "(void *[]){" + outputs + "});\n";
    }
    return text +
           "//\n// A call returns GRAVEN_OK, or a status that graven_last_error() explains.\n";
  }

  // TRAIN_STEP, or TRAIN_STEP_B16 where the entry was compiled for several batch sizes.
  std::string entryWord(const Entry &entry) const {
    auto variants = std::count_if(model_.entries.begin(), model_.entries.end(),
                                  [&](const Entry &each) { return each.name == entry.name; });
    std::string word = macroWord(entry.name);
    return variants == 1 ? word : word + "_B" + std::to_string(entry.batch);
  }

  void writeEntries() {
    out_ << "\n// Entries: the number to call them by, their batch size, and for every input and "
            "output\n"
            "// its place in the arrays of pointers and its bytes.\n";
    for (size_t i = 0; i < model_.entries.size(); ++i) {
      const Entry &entry = model_.entries[i];
      std::string word = entryWord(entry), origin = "entry '" + entry.name + "'";
      number("ENTRY_" + word, i, origin);
      if (entry.batch) number(word + "_BATCH", entry.batch, origin);
      writePorts(word + "_INPUT_", entry.inputs, "input", origin);
      writePorts(word + "_OUTPUT_", entry.outputs, "output", origin);
    }
  }

  void writePorts(const std::string &prefix, const std::vector<Port> &ports, const char *kind,
                  const std::string &entry) {
    uint64_t place = 0;
    for (const Port &port : ports) {
      if (port.kind != GRAVEN_PORT_DATA) continue;
      std::string origin = std::string(kind) + " '" + port.name + "' of " + entry;
      number(prefix + macroWord(port.name), place++, origin);
      number(prefix + macroWord(port.name) + "_BYTES", port.tensor.bytes(), origin);
    }
  }

  void writeStates() {
    if (model_.states.empty()) return;
    out_ << "\n// State: the name to get and set it by, its place in its segment, its bytes.\n";
    for (const State &state : model_.states) {
      std::string word = "STATE_" + macroWord(state.name), origin = "state '" + state.name + "'";
      define(word, "\"" + state.name + "\"", origin);
      number(word + "_OFFSET", state.offset, origin);
      number(word + "_BYTES", state.tensor.bytes(), origin);
    }
  }

  void number(const std::string &name, uint64_t value, const std::string &origin) {
    define(name, std::to_string(value), origin);
  }

  void define(const std::string &name, const std::string &value, const std::string &origin) {
    auto [place, isNew] = origins_.try_emplace(name, origin);
    if (!isNew) {
      if (problem_.empty())
        problem_ = place->second + " and " + origin + " both become the macro " + prefix_ + name +
                   " of the C header; rename one of them";
      return;
    }
    out_ << "#define " << prefix_ << name << " " << value << "\n";
  }

  const Model &model_;
  std::string prefix_;
  std::string text_;
  llvm::raw_string_ostream out_;
  std::map<std::string, std::string> origins_;
  std::string problem_;
};

}  // namespace

llvm::Expected<std::string> writeHeader(const Model &model) { return Header(model).write(); }

}  // namespace graven::package
