#include "llvm/Support/JSON.h"
#include "compiler/report/page.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace graven::report {
namespace {

using llvm::StringRef;

// Enumerators in their order.
constexpr const char *kRoles[] = {"argument", "state", "constant", "forward", "backward"};
constexpr const char *kHows[] = {"stored", "recomputed", "fused", "given"};
constexpr const char *kCommands[] = {"launch", "copy", "fill"};

class Writer {
 public:
  explicit Writer(llvm::raw_ostream &out) : json_(out) {}

  void write(const Report &report) {
    json_.object([&] {
      text("model", report.model);
      text("file", report.file);
      text("source", report.source);
      text("triple", report.triple);
      text("cpu", report.cpu);
      text("instruction_set", report.instruction_set);
      text("numerics", report.numerics);
      pairs("sizes", report.sizes);
      pairs("seconds", report.seconds);
      json_.attribute("artifact_bytes", report.artifact_bytes);
      json_.attribute("state_bytes", report.state_bytes);
      json_.attribute("metric_bytes", report.metric_bytes);
      json_.attribute("constant_bytes", report.constant_bytes);
      json_.attributeObject("ceilings", [&] {
        json_.attribute("flops_per_second", report.ceilings.flops_per_second);
        json_.attribute("memory_bytes_per_second", report.ceilings.memory_bytes_per_second);
        json_.attribute("cache_bytes_per_second", report.ceilings.cache_bytes_per_second);
        json_.attribute("cache_bytes", report.ceilings.cache_bytes);
      });
      objects("containers", report.containers, [&](const Container &each) {
        text("kind", each.kind);
        text("name", each.name);
        json_.attribute("line", each.line);
      });
      objects("layers", report.layers, [&](const Layer &each) {
        text("text", each.text);
        place(each.place);
      });
      objects("states", report.states, [&](const State &each) {
        text("name", each.name);
        text("role", each.role);
        text("type", each.type);
        json_.attribute("bytes", each.bytes);
        json_.attribute("offset", each.offset);
      });
      objects("entries", report.entries, [&](const Entry &each) { write(each); });
    });
  }

 private:
  void write(const Entry &entry) {
    text("name", entry.name);
    text("symbol", entry.symbol);
    json_.attribute("batch", entry.batch);
    objects("ops", entry.ops, [&](const Op &each) { write(each); });
    pairs("results", entry.results);
    pairs("writes", entry.writes);
    objects("kernels", entry.kernels, [&](const Kernel &each) { write(each); });
    objects("kept", entry.kept, [&](const Kept &each) {
      json_.attribute("op", each.op);
      json_.attribute("reader", each.reader);
      json_.attribute("how", kHows[static_cast<int>(each.how)]);
    });
    objects("commands", entry.commands, [&](const Command &each) {
      json_.attribute("kind", kCommands[static_cast<int>(each.kind)]);
      if (each.kind == Command::Kind::kLaunch) {
        json_.attribute("kernel", each.kernel);
        text("stage", each.stage);
        json_.attribute("grid", each.grid);
      } else {
        json_.attribute("bytes", each.bytes);
        text("what", each.what);
      }
    });
    objects("blocks", entry.blocks, [&](const Block &each) {
      json_.attribute("offset", each.offset);
      json_.attribute("bytes", each.bytes);
      json_.attribute("first", each.first);
      json_.attribute("last", each.last);
      json_.attribute("op", each.op);
      json_.attribute("kernel", each.kernel);
      text("what", each.what);
    });
    json_.attribute("arena_bytes", entry.arena_bytes);
    json_.attribute("liveness_bound", entry.liveness_bound);
    json_.attribute("peak_command", entry.peak_command);
    json_.attribute("peak_bytes", entry.peak_bytes);
    json_.attribute("argument_bytes", entry.argument_bytes);
    json_.attribute("result_bytes", entry.result_bytes);
    if (entry.measured_seconds > 0) {
      json_.attribute("measured_seconds", entry.measured_seconds);
      json_.attribute("measured_threads", entry.measured_threads);
    }
  }

  void write(const Op &op) {
    text("name", op.name);
    json_.attribute("role", kRoles[static_cast<int>(op.role)]);
    text("type", op.type);
    if (!op.options.empty()) text("options", op.options);
    if (!op.rule.empty()) text("rule", op.rule);
    json_.attribute("bytes", op.bytes);
    json_.attribute("layer", op.layer);
    place(op.place);
    numbers("operands", op.operands);
    numbers("kernels", op.kernels);
    if (op.apart.empty()) return;
    objects("apart", op.apart, [&](const Refusal &each) {
      json_.attribute("from", each.from);
      text("reason", each.reason);
    });
  }

  void write(const Kernel &kernel) {
    text("name", kernel.name);
    text("kind", kernel.kind);
    numbers("ops", kernel.ops);
    numbers("inputs", kernel.inputs);
    numbers("outputs", kernel.outputs);
    text("strategy", kernel.strategy);
    pairs("parameters", kernel.parameters);
    json_.attribute("scratch_bytes", kernel.scratch_bytes);
    json_.attribute("flops", kernel.flops);
    json_.attribute("bytes", kernel.bytes);
    json_.attribute("in_cache", kernel.in_cache);
    json_.attribute("seconds", kernel.seconds);
    json_.attribute("compute_bound", kernel.compute_bound);
    if (kernel.measured_seconds > 0) json_.attribute("measured_seconds", kernel.measured_seconds);
  }

  void text(StringRef key, StringRef value) {
    json_.attribute(key, llvm::json::isUTF8(value) ? value.str() : llvm::json::fixUTF8(value));
  }
  void place(const Place &at) {
    json_.attribute("line", at.line);
    json_.attribute("column", at.column);
  }
  void numbers(StringRef key, const std::vector<int64_t> &values) {
    json_.attributeArray(key, [&] {
      for (int64_t value : values) json_.value(value);
    });
  }
  // Pairs of name and number keep their order, so they are arrays.
  template <typename Number>
  void pairs(StringRef key, const std::vector<std::pair<std::string, Number>> &values) {
    json_.attributeArray(key, [&] {
      for (const auto &[name, value] : values)
        json_.array([&] {
          json_.value(llvm::json::isUTF8(name) ? name : llvm::json::fixUTF8(name));
          json_.value(value);
        });
    });
  }
  template <typename T, typename WriteOne>
  void objects(StringRef key, const std::vector<T> &values, WriteOne writeOne) {
    json_.attributeArray(key, [&] {
      for (const T &each : values) json_.object([&] { writeOne(each); });
    });
  }

  llvm::json::OStream json_;
};

}  // namespace

std::string toJson(const Report &report) {
  std::string text;
  llvm::raw_string_ostream out(text);
  Writer(out).write(report);
  return text;
}

}  // namespace graven::report
