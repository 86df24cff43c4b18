#include "compiler/api/compile.h"

#include <chrono>
#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "compiler/api/diagnostics.h"
#include "compiler/api/source_check.h"
#include "compiler/codegen/backend.h"
#include "compiler/codegen/host/emit_object.h"
#include "compiler/codegen/host/emit_shards.h"
#include "compiler/import/attach_weights.h"
#include "compiler/package/artifact_module.h"
#include "compiler/package/describe_model.h"
#include "compiler/package/header_writer.h"
#include "compiler/package/link.h"
#include "compiler/pipeline/pipeline.h"
#include "compiler/report/collector.h"
#include "compiler/report/page.h"
#include "compiler/report/profile.h"
#include "compiler/schedule/memory.h"
#include "compiler/strategy/force_strategy.h"
#include "dialect/graph/ir/graph.h"
#include "dialect/nn/nn.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"

namespace graven {
namespace {

using Clock = std::chrono::steady_clock;

absl::Status invalid(llvm::StringRef message) {
  return absl::InvalidArgumentError(absl::string_view(message.data(), message.size()));
}

std::string print(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out,
               mlir::OpPrintingFlags().elideLargeElementsAttrs(64).elideLargeResourceString(256));
  out << "\n";
  return text;
}

// The phases that `compile_to` may name: the text as it is read, then those that rewrite it.
constexpr llvm::StringLiteral kImport = "import";

// Tells when each phase ends. The pipeline ends every phase with a check of its own.
class PhaseObserver : public mlir::PassInstrumentation {
 public:
  explicit PhaseObserver(std::function<void(mlir::ModuleOp, const pipeline::Phase &)> ended)
      : ended_(std::move(ended)) {}
  void runAfterPass(mlir::Pass *pass, mlir::Operation *op) override {
    auto module = llvm::dyn_cast<mlir::ModuleOp>(op);
    if (module && pass->getName() == "VerifyPhase" && next_ < pipeline::phases().size())
      ended_(module, pipeline::phases()[next_++]);
  }

 private:
  std::function<void(mlir::ModuleOp, const pipeline::Phase &)> ended_;
  size_t next_ = 0;
};

// One compilation, from text to bytes.
class Compilation {
 public:
  Compilation(const std::string &source, const CompileOptions &options)
      : source_(source), options_(options) {}

  absl::StatusOr<Artifact> run() {
    if (absl::Status status = readOptions(); !status.ok()) return status;
    mlir::DialectRegistry languages;
    languages.insert<graph::GraphDialect, nn::NNDialect>();
    context_ =
        std::make_unique<mlir::MLIRContext>(languages, mlir::MLIRContext::Threading::DISABLED);
    context_->printOpOnDiagnostic(false);
    api::DiagnosticCollector diagnostics(context_.get(), source_, options_.file_name);
    diagnostics_ = &diagnostics;
    const strategy::Target &target = pipeline_options_.target;
    if (target.matmul == strategy::Matmul::kTf32 && !target.has_tf32_products)
      mlir::emitWarning(mlir::UnknownLoc::get(context_.get()))
          << "device '" << target.device << "' multiplies f32 operands as they are; "
          << "--matmul=tf32 changes nothing there";
    if (options_.report)
      collector_ = std::make_unique<report::Collector>(context_.get(), source_, options_.file_name,
                                                       pipeline_options_.target);
    bool done = parse() && readWeights() && transform() && emit();
    module_ = nullptr;
    if (!done || diagnostics.hasErrors()) {
      if (!diagnostics.hasErrors())
        diagnostics.addError(
            "compilation failed without a reason given; this is a defect of the "
            "compiler: please report it with the model");
      return invalid(diagnostics.text());
    }
    artifact_.warnings = diagnostics.text();
    if (collector_)
      if (llvm::Error error = writeReport()) return invalid(llvm::toString(std::move(error)));
    return std::move(artifact_);
  }

 private:
  absl::Status readOptions() {
    llvm::Expected<const codegen::Backend *> backend = codegen::requireBackend(options_.device);
    if (!backend) return invalid(llvm::toString(backend.takeError()));
    backend_ = *backend;
    if (!options_.device_code.empty() && !backend_->assemble)
      return invalid("device '" + backend_->name.str() +
                     "' has one form of code only; leave out --device-code");
    for (int64_t batch : options_.batches)
      if (batch < 1 || batch > INT32_MAX)
        return invalid("batch size " + std::to_string(batch) +
                       " is not possible; expected 1 or more");
    if (options_.output == Output::kIr && options_.compile_to != kImport &&
        !pipeline::findPhase(options_.compile_to)) {
      std::string names = kImport.str();
      for (const pipeline::Phase &each : pipeline::phases()) names += ", " + each.name.str();
      return invalid("there is no phase '" + options_.compile_to +
                     "' to stop after; the phases are " + names);
    }
    auto target = backend_->resolve(options_.target, options_.cpu);
    if (!target) return invalid(llvm::toString(target.takeError()));
    pipeline_options_.target = *target;
    if (options_.numerics == Numerics::kStrict)
      pipeline_options_.target.numerics = strategy::Numerics::kStrict;
    if (options_.matmul == Matmul::kTf32) {
      if (options_.numerics == Numerics::kStrict)
        return invalid(
            "matrix products cannot be strict and of tf32, which rounds their operands "
            "to 11 bits; leave out --numerics=strict or --matmul=tf32");
      pipeline_options_.target.matmul = strategy::Matmul::kTf32;
    }
    for (const std::string &each : options_.strategies)
      if (llvm::Error error =
              strategy::forceStrategyOfKind(each, backend_->strategies(), pipeline_options_.target))
        return invalid(llvm::toString(std::move(error)));
    pipeline_options_.batches = options_.batches;
    pipeline_options_.entries = options_.entries;
    pipeline_options_.freezes = !options_.weights.empty();
    return absl::OkStatus();
  }

  bool parse() {
    auto start = Clock::now();
    if (mlir::failed(api::checkSource(source_, options_.file_name, context_.get()))) return false;
    llvm::SourceMgr sources;
    sources.AddNewSourceBuffer(llvm::MemoryBuffer::getMemBufferCopy(source_, options_.file_name),
                               llvm::SMLoc());
    mlir::ParserConfig config(context_.get());
    module_ = mlir::parseSourceFile<mlir::ModuleOp>(sources, config);
    if (!module_) return false;
    // The text speaks the languages of models only; what later phases use is loaded from here on.
    mlir::WalkResult foreign = module_->walk([&](mlir::Operation *op) {
      llvm::StringRef dialect = op->getName().getDialectNamespace();
      if (op == *module_ || dialect == "graph" || dialect == "nn")
        return mlir::WalkResult::advance();
      op->emitError() << "'" << op->getName() << "' is no operation of models; expected operations "
                      << "of the languages nn and graph";
      return mlir::WalkResult::interrupt();
    });
    if (foreign.wasInterrupted()) return false;
    mlir::DialectRegistry rest;
    pipeline::registerDialects(rest);
    context_->appendDialectRegistry(rest);
    context_->loadAllAvailableDialects();
    record("parse", start);
    return true;
  }

  bool readWeights() {
    if (options_.weights.empty()) return true;
    auto start = Clock::now();
    llvm::Expected<import::Safetensors> weights = import::readSafetensors(options_.weights);
    if (!weights)
      return !failed(llvm::createStringError("the weights '" + options_.weights_name +
                                             "' are unusable: the file " +
                                             llvm::toString(weights.takeError())));
    if (mlir::failed(import::attachWeights(*module_, *weights, options_.weights_name)))
      return false;
    record("weights", start);
    return true;
  }

  // The phases that rewrite the module, up to and including `schedule`.
  bool transform() {
    phaseEnded(kImport, *module_);
    bool partial = options_.output == Output::kIr;
    if (!partial || options_.compile_to != kImport) {
      mlir::PassManager passes(context_.get(), mlir::ModuleOp::getOperationName());
      auto start = Clock::now();
      passes.addInstrumentation(
          std::make_unique<PhaseObserver>([&](mlir::ModuleOp module, const pipeline::Phase &phase) {
            record(phase.name.str(), start);
            phaseEnded(phase.name, module);
            start = Clock::now();
          }));
      pipeline::buildPipeline(passes, pipeline_options_, partial ? options_.compile_to : "");
      if (mlir::failed(passes.run(*module_))) return false;
    }
    if (partial) artifact_.bytes = print(*module_);
    return true;
  }

  void phaseEnded(llvm::StringRef phase, mlir::ModuleOp module) {
    if (options_.after_phase) options_.after_phase(phase.str(), print(module));
    if (collector_) collector_->afterPhase(phase, module);
  }

  bool emit() {
    if (options_.output == Output::kIr) return true;
    const strategy::Target &target = pipeline_options_.target;
    auto start = Clock::now();
    mlir::FailureOr<package::Model> model = package::describeModel(*module_, target);
    if (mlir::failed(model)) return false;
    artifact_.model_name = model->name;
    record("package", start);

    start = Clock::now();
    llvm::LLVMContext llvm_context;
    mlir::FailureOr<codegen::Code> emitted = backend_->emit(*module_, target, llvm_context);
    if (mlir::failed(emitted)) return false;
    if (!options_.device_code.empty() && !addDeviceCode(emitted->images)) return false;
    for (codegen::Image &image : emitted->images)
      model->images.push_back({imageKind(image.kind), image.architecture, std::move(image.bytes)});
    llvm::append_range(model->cpu_features, emitted->host_features);
    llvm::Module &code = *emitted->host;
    if (options_.output == Output::kAssembly && !model->images.empty()) {
      record("lower", start);
      artifact_.bytes = model->images.front().bytes;
      fillStatistics(*model);
      return true;
    }
    weights_apart_ = options_.output == Output::kShared && package::areWeightsApart(*model);
    const package::ArtifactUse use = {.constants_apart = weights_apart_,
                                      .into_program = options_.output != Output::kShared};
    if (failed(package::addArtifact(code, *model, use))) return false;
    record("lower", start);
    bool done =
        options_.output == Output::kShared ? writeShared(*model, code) : write(*model, code);
    fillStatistics(*model);
    return done;
  }

  // Adds the machine code that the user asked for to the device's portable image.
  bool addDeviceCode(std::vector<codegen::Image> &images) {
    const codegen::Image portable = images.front();
    for (const std::string &architecture : options_.device_code)
      if (llvm::Expected<codegen::Image> image = backend_->assemble(portable, architecture))
        images.push_back(std::move(*image));
      else
        return !failed(image.takeError());
    return true;
  }

  // Only where a link follows may the code come from several threads.
  bool writeShared(const package::Model &model, llvm::Module &code) {
    const strategy::Target &target = pipeline_options_.target;
    auto start = Clock::now();
    auto objects = codegen::host::emitShards(code, target, options_.threads);
    if (!objects) return !failed(objects.takeError());
    record("optimize and emit", start);
    if (collector_) reportSizes(model, *objects);
    start = Clock::now();
    llvm::StringRef weights = weights_apart_ ? llvm::StringRef(model.constants) : "";
    if (!take(package::linkSharedObject(*objects, target), artifact_.bytes) ||
        failed(package::finishSharedArtifact(artifact_.bytes, package::artifactSymbol(model.name),
                                             weights)))
      return false;
    record("link", start);
    return true;
  }

  bool write(const package::Model &model, llvm::Module &code) {
    const strategy::Target &target = pipeline_options_.target;
    auto start = Clock::now();
    if (failed(codegen::host::optimizeModule(code, target))) return false;
    record("optimize", start);
    start = Clock::now();
    bool done = writeFile(model, code);
    record("emit", start);
    return done;
  }

  bool writeFile(const package::Model &model, llvm::Module &code) {
    const strategy::Target &target = pipeline_options_.target;
    if (options_.output == Output::kLlvm) {
      llvm::raw_string_ostream out(artifact_.bytes);
      code.print(out, nullptr);
      return true;
    }
    if (options_.output == Output::kAssembly)
      return take(codegen::host::emitAssembly(code, target), artifact_.bytes);
    std::string object;
    if (!take(codegen::host::emitObject(code, target), object)) return false;
    if (collector_) reportSizes(model, {object});
    if (options_.output == Output::kArchive) return writeArchive(model, std::move(object));
    artifact_.bytes = std::move(object);
    return true;
  }

  bool writeArchive(const package::Model &model, std::string object) {
    std::vector<package::ArchiveMember> members = {{model.name + ".o", std::move(object)}};
    auto core = llvm::MemoryBuffer::getFile(options_.core_archive, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
    if (!core) {
      diagnostics_->addError(
          "the core runtime for " + pipeline_options_.target.triple + " is not at '" +
          options_.core_archive + "' (" + core.getError().message() +
          "); build Graven with a compiler for that machine installed, or make an object file "
          "(--emit=object) and link it with a core runtime of your own");
      return false;
    }
    auto parts = package::readStaticArchive((*core)->getBuffer(), options_.core_archive);
    if (!parts) return failed(parts.takeError()), false;
    for (package::ArchiveMember &part : *parts) members.push_back(std::move(part));
    return take(package::writeStaticArchive(members), artifact_.bytes) &&
           take(package::writeHeader(model), artifact_.header);
  }

  // Reports an error that is none of the text's; true when there is one.
  bool failed(llvm::Error error) {
    if (!error) return false;
    diagnostics_->addError(llvm::toString(std::move(error)));
    return true;
  }
  bool take(llvm::Expected<std::string> value, std::string &into) {
    if (!value) return !failed(value.takeError());
    into = std::move(*value);
    return true;
  }

  // The parts of an artifact: machine code, and what the table is made of.
  void reportSizes(const package::Model &model, llvm::ArrayRef<std::string> objects) {
    uint64_t code = 0;
    for (const std::string &object : objects) {
      auto file = llvm::object::ObjectFile::createObjectFile(
          llvm::MemoryBufferRef(llvm::StringRef(object), model.name));
      if (file)
        for (const llvm::object::SectionRef &section : (*file)->sections())
          if (section.isText()) code += section.getSize();
      llvm::consumeError(file.takeError());
    }
    int64_t signature = model.signature.size();
    for (const package::Image &image : model.images) code += image.bytes.size();
    int64_t plan = static_cast<int64_t>(package::writeTable(model).size()) - signature;
    collector_->report().sizes = {{"code", static_cast<int64_t>(code)},
                                  {"constants", static_cast<int64_t>(model.constants.size())},
                                  {"plan", plan},
                                  {"signature", signature}};
  }

  llvm::Error writeReport() {
    report::Report &report = collector_->report();
    report.seconds = artifact_.statistics.seconds;
    report.artifact_bytes = artifact_.bytes.size();
    if (!options_.report_profile.empty())
      if (llvm::Error error = report::addProfile(options_.report_profile, report)) return error;
    artifact_.report = report::toHtml(report);
    return llvm::Error::success();
  }

  void record(const std::string &phase, Clock::time_point start) {
    artifact_.statistics.seconds.emplace_back(
        phase, std::chrono::duration<double>(Clock::now() - start).count());
  }

  void fillStatistics(const package::Model &model) {
    CompileStatistics &statistics = artifact_.statistics;
    statistics.kernels = model.kernels.size();
    statistics.state_bytes = model.state_bytes;
    statistics.arena_bytes = model.arenaBytes();
    statistics.constant_bytes = model.constants.size();
    statistics.peak_bytes = model.peakBytes();
    statistics.training_bytes = schedule::trainingBytes(*module_);
    statistics.artifact_bytes = artifact_.bytes.size();
  }

  static graven_image_kind imageKind(codegen::ImageKind kind) {
    switch (kind) {
      case codegen::ImageKind::kPtx:
        return GRAVEN_IMAGE_PTX;
      case codegen::ImageKind::kCubin:
        return GRAVEN_IMAGE_CUBIN;
      case codegen::ImageKind::kOther:
        break;
    }
    return GRAVEN_IMAGE_OTHER;
  }

  const std::string &source_;
  const CompileOptions &options_;
  const codegen::Backend *backend_ = nullptr;
  pipeline::Options pipeline_options_;
  std::unique_ptr<mlir::MLIRContext> context_;
  api::DiagnosticCollector *diagnostics_ = nullptr;
  mlir::OwningOpRef<mlir::ModuleOp> module_;
  std::unique_ptr<report::Collector> collector_;
  bool weights_apart_ = false;  // constants follow the ELF file instead of standing in it
  Artifact artifact_;
};

}  // namespace

absl::StatusOr<Artifact> compile(const std::string &source, const CompileOptions &options) {
  return Compilation(source, options).run();
}

std::vector<std::pair<std::string, std::string>> compilerPhases() {
  std::vector<std::pair<std::string, std::string>> phases = {
      {kImport.str(), "Reads the model text as it is."}};
  for (const pipeline::Phase &each : pipeline::phases())
    phases.emplace_back(each.name.str(), each.sentence.str());
  phases.emplace_back("codegen", "Lowers each kernel to machine code.");
  phases.emplace_back("package", "Joins plan, code, constants and signature to one artifact.");
  return phases;
}

std::vector<std::pair<std::string, std::string>> compilerDevices() {
  std::vector<std::pair<std::string, std::string>> devices;
  for (const codegen::Backend *each : codegen::backends())
    devices.emplace_back(each->name.str(), each->sentence.str());
  return devices;
}

}  // namespace graven
