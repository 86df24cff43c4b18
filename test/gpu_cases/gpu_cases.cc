// Asks a GPU for what files of cases expect, and prints a line of JSON before and after each case:
//
//   gpu_cases [--every N] [--first INDEX] FILE.cases...
//
// {"begin": INDEX, "case": NAME, "file": FILE} is printed before a case, so that a case that hangs
// or ends the program is known; {"case": ..., "error": "" or what is wrong, "worst": ...,
// "seconds": ...} after it. INDEX counts the cases of all files. Needs a driver for NVIDIA GPUs and
// nothing else.
//
// exit status: 0; 1 a case differs; 2 wrong usage or a damaged file; 3 the GPU has failed, and
// takes no more work of this process: start again with --first.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "runtime/api/graven.h"
#include "runtime/device/cuda/cuda_driver.h"
#include "runtime/device/registry.h"
#include "test/gpu_cases/case_file.h"

namespace graven::gpu_cases {
namespace {

using graven1::cuda::Address;
using graven1::cuda::Current;
using graven1::cuda::Driver;
using graven1::cuda::Function;
using graven1::cuda::Module;
using graven1::cuda::Stream;

/// Ends the process: the GPU's context is lost for it.
constexpr int kLost = 3;

std::string json_text(const std::string &text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return out + "\"";
}

std::string last_error(const char *what) { return std::string(what) + ": " + graven_last_error(); }

/// Launches kernels of PTX files through the driver.
class Launcher {
 public:
  ~Launcher() {
    if (!context_) return;
    unload();
    if (stream_) {
      Current current(driver_, context_);
      driver_.destroy_stream(stream_);
    }
    driver_.release_context(device_);
  }

  std::string run(const Case &one, const std::string &path, double *worst, bool *lost) {
    if (std::string wrong = start(); !wrong.empty()) return wrong;
    Current current(driver_, context_);
    if (std::string wrong = load(path); !wrong.empty()) return wrong;
    Function kernel = nullptr;
    if (driver_.get_function(&kernel, module_, one.function.c_str()))
      return "the module has no kernel " + one.function;
    constexpr int32_t kMostSharedBytes = 8;
    if (one.shared_bytes > 48 << 10 &&
        driver_.set_function_attribute(kernel, kMostSharedBytes,
                                       static_cast<int32_t>(one.shared_bytes)))
      return std::to_string(one.shared_bytes) + " bytes of shared memory are not to be had";
    Operands operands(driver_, stream_, one);
    const std::string wrong = operands.launch(kernel, worst);
    *lost = operands.lost();
    return wrong;
  }

 private:
  /// The memory of one launch.
  class Operands {
   public:
    Operands(const Driver &driver, Stream stream, const Case &one)
        : driver_(driver), stream_(stream), one_(one) {}
    ~Operands() {
      driver_.synchronize(stream_);  // after a failure, copies may be under way
      for (Address address : addresses_) driver_.release(address);
    }
    bool lost() const { return lost_; }

    std::string launch(Function kernel, double *worst) {
      for (const Buffer &buffer : one_.buffers) {
        Address address = 0;
        const size_t bytes = buffer.before.size();
        if (!done(driver_.allocate(&address, bytes ? bytes : 1), "allocate an operand"))
          return wrong_;
        addresses_.push_back(address);
        if (bytes && !done(driver_.copy_to_device(address, buffer.before.data(), bytes, stream_),
                           "fill an operand"))
          return wrong_;
      }
      std::vector<uint64_t> values;
      for (const Parameter &parameter : one_.parameters)
        values.push_back(addresses_[parameter.buffer] + parameter.offset);
      std::vector<void *> parameters;
      for (uint64_t &value : values) parameters.push_back(&value);
      const uint32_t *grid = one_.grid, *block = one_.block;
      if (!done(
              driver_.launch_kernel(kernel, grid[0], grid[1], grid[2], block[0], block[1], block[2],
                                    one_.shared_bytes, stream_, parameters.data(), nullptr),
              "launch the kernel"))
        return wrong_;
      if (!done(driver_.synchronize(stream_), "run the kernel")) {
        lost_ = true;
        return wrong_;
      }
      for (size_t i = 0; i < one_.buffers.size(); ++i) {
        const Buffer &buffer = one_.buffers[i];
        if (buffer.expected.empty()) continue;
        std::string actual(buffer.expected.size(), '\0');
        if (!done(driver_.copy_to_host(actual.data(), addresses_[i], actual.size(), stream_),
                  "read a result") ||
            !done(driver_.synchronize(stream_), "read a result"))
          return wrong_;
        const std::string differs = difference(buffer, actual, worst);
        if (!differs.empty()) return "buffer " + std::to_string(i) + ": " + differs;
      }
      return "";
    }

   private:
    bool done(graven1::cuda::Result result, const char *what) {
      if (graven1::cuda::check(driver_, result, what) == GRAVEN_OK) return true;
      wrong_ = graven_last_error();
      return false;
    }

    const Driver &driver_;
    const Stream stream_;
    const Case &one_;
    std::vector<Address> addresses_;
    std::string wrong_;
    bool lost_ = false;
  };

  std::string start() {
    if (context_) return "";
    if (graven1::cuda::load_driver(&driver_) != GRAVEN_OK) return graven_last_error();
    if (driver_.device_get(&device_, 0) || driver_.retain_context(&context_, device_))
      return "the GPU gives no context";
    Current current(driver_, context_);
    return driver_.create_stream(&stream_, 0) ? "the GPU gives no stream" : "";
  }
  std::string load(const std::string &path) {
    if (path == path_) return refused_;
    unload();
    path_ = path;
    std::ifstream file(path, std::ios::binary);
    const std::string ptx{std::istreambuf_iterator<char>(file), {}};
    char log[1024] = "";
    int32_t names[] = {graven1::cuda::kJitErrorLog, graven1::cuda::kJitErrorLogBytes};
    void *values[] = {log, reinterpret_cast<void *>(sizeof log)};
    refused_ = "";
    if (ptx.empty())
      refused_ = "there is no " + path;
    else if (driver_.load_module(&module_, ptx.c_str(), 2, names, values))
      refused_ = std::string("the driver refuses the PTX: ") + log;
    return refused_;
  }
  void unload() {
    Current current(driver_, context_);
    if (module_) driver_.unload_module(module_);
    module_ = nullptr;
  }

  Driver driver_;
  graven1::cuda::DeviceNumber device_ = 0;
  graven1::cuda::Context context_ = nullptr;
  Stream stream_ = nullptr;
  Module module_ = nullptr;
  std::string path_, refused_;
};

/// Calls entries of artifacts through the C interface.
class Caller {
 public:
  ~Caller() { close(); }

  std::string run(const Case &one, const std::string &path, double *worst, bool *lost) {
    if (std::string wrong = open(path); !wrong.empty()) return wrong;
    const int32_t entry = graven_model_find_entry(model_, one.function.c_str(), 0);
    if (entry < 0) return "the artifact has no entry " + one.function;
    std::vector<const void *> inputs;
    std::vector<void *> outputs;
    std::vector<std::string> results;
    size_t next = 0;
    const size_t input_count = count_inputs(entry);
    if (input_count > one.buffers.size()) return "the entry takes other inputs than the case has";
    for (size_t i = 0; i < one.buffers.size(); ++i) {
      if (i < input_count)
        inputs.push_back(one.buffers[i].before.data());
      else
        results.emplace_back(one.buffers[i].expected.size() + 1, '\xa5');
    }
    for (std::string &result : results) outputs.push_back(result.data());
    if (graven_call(context_, state_, static_cast<uint32_t>(entry), 0, inputs.data(),
                    outputs.data()) != GRAVEN_OK) {
      *lost = true;
      return last_error("call");
    }
    for (size_t i = input_count; i < one.buffers.size(); ++i, ++next) {
      results[next].pop_back();
      const std::string differs = difference(one.buffers[i], results[next], worst);
      if (!differs.empty()) return "output " + std::to_string(next) + ": " + differs;
    }
    return "";
  }

 private:
  size_t count_inputs(int32_t entry) {
    uint32_t count;
    const graven_entry_record &record = graven_model_entries(model_, &count)[entry];
    const graven_port_record *ports = graven_model_ports(model_, &count);
    size_t inputs = 0;
    for (uint32_t i = 0; i < record.inputs.count; ++i)
      inputs += ports[record.inputs.first + i].kind == GRAVEN_PORT_DATA;
    return inputs;
  }
  std::string open(const std::string &path) {
    if (path == path_) return refused_;
    close();
    path_ = path;
    refused_ = "";
    if (graven_model_open(path.c_str(), &model_) != GRAVEN_OK)
      refused_ = last_error("open");
    else if (graven_state_create(model_, &state_) != GRAVEN_OK)
      refused_ = last_error("state");
    else if (graven_context_create(model_, nullptr, &context_) != GRAVEN_OK)
      refused_ = last_error("context");
    return refused_;
  }
  void close() {
    graven_context_destroy(context_);
    graven_state_destroy(state_);
    graven_model_destroy(model_);
    context_ = nullptr, state_ = nullptr, model_ = nullptr;
  }

  graven_model *model_ = nullptr;
  graven_state *state_ = nullptr;
  graven_context *context_ = nullptr;
  std::string path_, refused_;
};

struct Options {
  unsigned long every = 1, first = 0;
  std::vector<std::string> files;
};

int run_all(const Options &options) {
  Launcher launcher;
  Caller caller;
  unsigned long index = 0;
  int status = 0;
  for (const std::string &path : options.files) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return std::fprintf(stderr, "there is no %s\n", path.c_str()), 2;
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    Case one;
    std::string error;
    for (; read_case(file, &one, &error); ++index) {
      if (index < options.first || index % options.every != 0) continue;
      std::printf("{\"begin\": %lu, \"case\": %s, \"file\": %s}\n", index,
                  json_text(one.name).c_str(), json_text(path).c_str());
      std::fflush(stdout);
      const auto begin = std::chrono::steady_clock::now();
      double worst = 0;
      bool lost = false;
      const std::string module = (folder / one.module).string();
      const std::string wrong = one.kind == Kind::kKernel ? launcher.run(one, module, &worst, &lost)
                                                          : caller.run(one, module, &worst, &lost);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
      std::printf("{\"case\": %s, \"error\": %s, \"worst\": %.3g, \"seconds\": %.6f}\n",
                  json_text(one.name).c_str(), json_text(wrong).c_str(), worst, took.count());
      std::fflush(stdout);
      if (lost) std::_Exit(kLost);
      if (!wrong.empty()) status = 1;
    }
    if (!error.empty()) return std::fprintf(stderr, "%s: %s\n", path.c_str(), error.c_str()), 2;
  }
  return status;
}

}  // namespace
}  // namespace graven::gpu_cases

int main(int count, char **arguments) {
  graven1::link_every_device();
  graven::gpu_cases::Options options;
  for (int i = 1; i < count; ++i) {
    unsigned long *number = !std::strcmp(arguments[i], "--every")   ? &options.every
                            : !std::strcmp(arguments[i], "--first") ? &options.first
                                                                    : nullptr;
    if (!number)
      options.files.push_back(arguments[i]);
    else if (++i < count)
      *number = std::strtoul(arguments[i], nullptr, 10);
  }
  if (options.files.empty() || options.every == 0) {
    std::fputs("usage: gpu_cases [--every N] [--first INDEX] FILE.cases...\n", stderr);
    return 2;
  }
  return graven::gpu_cases::run_all(options);
}
