// A model described by hand, packaged, loaded by the runtime and called; as a shared object and as
// a static archive linked into a C program.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/codegen/cpu/lower.h"
#include "compiler/codegen/cpu/target.h"
#include "compiler/codegen/host/emit_object.h"
#include "compiler/codegen/loops/lower.h"
#include "compiler/package/artifact_module.h"
#include "compiler/package/header_writer.h"
#include "compiler/package/link.h"
#include "compiler/package/table_writer.h"
#include "graven/graven.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

namespace graven::package {
namespace {

// y[r, :] = scale * x[r, :] + bias[:], a workgroup a row; scale is a constant, bias is state.
constexpr char kKernel[] = R"(
func.func @affine(%buffers: !llvm.ptr, %lo: i64, %hi: i64) {
  %one = arith.constant 1 : i64
  %four = arith.constant 4 : i64
  %x = llvm.load %buffers : !llvm.ptr -> !llvm.ptr
  %p1 = llvm.getelementptr %buffers[1] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %scales = llvm.load %p1 : !llvm.ptr -> !llvm.ptr
  %p2 = llvm.getelementptr %buffers[2] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %bias = llvm.load %p2 : !llvm.ptr -> !llvm.ptr
  %p3 = llvm.getelementptr %buffers[3] : (!llvm.ptr) -> !llvm.ptr, !llvm.ptr
  %y = llvm.load %p3 : !llvm.ptr -> !llvm.ptr
  %scale = llvm.load %scales : !llvm.ptr -> vector<4xf32>
  %b = llvm.load %bias : !llvm.ptr -> vector<4xf32>
  scf.for %row = %lo to %hi step %one : i64 {
    %first = arith.muli %row, %four : i64
    %px = llvm.getelementptr %x[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %py = llvm.getelementptr %y[%first] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %v = llvm.load %px {alignment = 4 : i64} : !llvm.ptr -> vector<4xf32>
    %r = math.fma %v, %scale, %b : vector<4xf32>
    llvm.store %r, %py {alignment = 4 : i64} : vector<4xf32>, !llvm.ptr
  }
  return
}
)";

Model affineModel(const strategy::Target &target) {
  Model model;
  model.name = "affine";
  model.signature = "{}";
  model.target = target.triple;
  model.cpu_features = target.required_features;
  model.state_bytes = 64;
  model.states = {{"out.bias", {GRAVEN_F32, {4}}, GRAVEN_ROLE_PARAMETER, 0}};
  model.kernels = {{"affine"}};
  float scale[] = {2, 3, 4, 5};
  model.constants.assign(reinterpret_cast<const char *>(scale), sizeof scale);
  Entry entry;
  entry.name = "predict";
  entry.batch = 8;
  entry.flags = GRAVEN_ENTRY_PARTIAL;
  Tensor rows = {GRAVEN_F32, {8, 4}};
  entry.inputs = {{"x", rows, GRAVEN_PORT_DATA, GRAVEN_PORT_BATCHED}};
  entry.outputs = {{"y", rows, GRAVEN_PORT_DATA, GRAVEN_PORT_BATCHED}};
  Command launch;
  launch.grid = 8;
  launch.operands = {{GRAVEN_SEGMENT_INPUT, 0, 0, 128, 1, GRAVEN_OPERAND_READ},
                     {GRAVEN_SEGMENT_CONSTANT, 0, 0, 16, 2, GRAVEN_OPERAND_READ},
                     {GRAVEN_SEGMENT_STATE, 0, 0, 16, 3, GRAVEN_OPERAND_READ},
                     {GRAVEN_SEGMENT_OUTPUT, 0, 0, 128, 4, GRAVEN_OPERAND_WRITE}};
  entry.commands = {launch};
  model.entries = {entry};
  return model;
}

strategy::Target target(const char *triple = "") {
  auto target = codegen::cpu::resolveTarget(triple, "");
  EXPECT_TRUE(bool(target)) << llvm::toString(target.takeError());
  return *target;
}

std::string compileObject(const strategy::Target &target, const Model &model) {
  mlir::DialectRegistry registry;
  codegen::registerLowerToLlvm(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  auto kernels = mlir::parseSourceString<mlir::ModuleOp>(kKernel, &context);
  llvm::LLVMContext llvm_context;
  auto module = codegen::cpu::lowerToLlvm(*kernels, target, llvm_context);
  EXPECT_FALSE(bool(addArtifact(*module, model)));
  EXPECT_FALSE(bool(codegen::host::optimizeModule(*module, target)));
  auto object = codegen::host::emitObject(*module, target);
  EXPECT_TRUE(bool(object)) << llvm::toString(object.takeError());
  return *object;
}

std::string sharedArtifact(const strategy::Target &target, const Model &model) {
  auto elf = linkSharedObject({compileObject(target, model)}, target);
  EXPECT_TRUE(bool(elf)) << llvm::toString(elf.takeError());
  EXPECT_FALSE(bool(finishSharedArtifact(*elf, artifactSymbol(model.name), "")));
  return *elf;
}

class Artifact : public testing::Test {
 protected:
  Artifact() { std::filesystem::create_directories(folder_); }
  ~Artifact() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string &name, const std::string &bytes) {
    std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  std::string folder_ = testing::TempDir() + "graven artifact test " +
                        testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(Artifact, RunsFromASharedObject) {
  strategy::Target host = target();
  std::string path = write("affine.so", sharedArtifact(host, affineModel(host)));
  graven_model *model = nullptr;
  graven_state *state = nullptr;
  graven_context *context = nullptr;
  ASSERT_EQ(graven_model_open(path.c_str(), &model), GRAVEN_OK) << graven_last_error();
  ASSERT_EQ(graven_state_create(model, &state), GRAVEN_OK) << graven_last_error();
  ASSERT_EQ(graven_context_create(model, nullptr, &context), GRAVEN_OK) << graven_last_error();
  float bias[4] = {1, 0, -1, 0.5};
  ASSERT_EQ(graven_state_set(state, "out.bias", bias, sizeof bias), GRAVEN_OK);
  float x[12], y[12] = {};
  for (int i = 0; i < 12; ++i) x[i] = static_cast<float>(i);
  const void *inputs[] = {x};
  void *outputs[] = {y};
  ASSERT_EQ(graven_call(context, state, 0, 3, inputs, outputs), GRAVEN_OK) << graven_last_error();
  for (int i = 0; i < 12; ++i)
    EXPECT_EQ(y[i], static_cast<float>(i % 4 + 2) * x[i] + bias[i % 4]) << i;
  graven_context_destroy(context);
  graven_state_destroy(state);
  graven_model_destroy(model);
}

TEST_F(Artifact, BytesDependOnTheModelAlone) {
  strategy::Target host = target();
  EXPECT_EQ(sharedArtifact(host, affineModel(host)), sharedArtifact(host, affineModel(host)));
}

TEST_F(Artifact, AnyFlippedByteIsRefused) {
  strategy::Target host = target();
  std::string bytes = sharedArtifact(host, affineModel(host));
  for (size_t place : {size_t{100}, bytes.size() / 2, bytes.size() - 150, bytes.size() - 130}) {
    std::string damaged = bytes;
    damaged[place] ^= 0x10;
    graven_model *model = nullptr;
    EXPECT_NE(graven_model_open(write("damaged.so", damaged).c_str(), &model), GRAVEN_OK) << place;
  }
}

TEST_F(Artifact, CodeIsEmittedForEveryTarget) {
  for (const char *triple : {"x86_64-linux-gnu", "aarch64-linux-gnu", "riscv64-linux-gnu"}) {
    strategy::Target machine = target(triple);
    EXPECT_GT(sharedArtifact(machine, affineModel(machine)).size(), 1000u) << triple;
  }
}

TEST_F(Artifact, ArchiveHoldsItsMembers) {
  std::vector<ArchiveMember> members = {{"model.o", std::string(100, 'a')}, {"core.o", "bb"}};
  strategy::Target host = target();
  members[0].bytes = compileObject(host, affineModel(host));
  auto archive = writeStaticArchive(members);
  ASSERT_TRUE(bool(archive)) << llvm::toString(archive.takeError());
  auto read = readStaticArchive(*archive, "model.a");
  ASSERT_TRUE(bool(read)) << llvm::toString(read.takeError());
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].name, "model.o");
  EXPECT_EQ((*read)[0].bytes, members[0].bytes);
  EXPECT_EQ((*read)[1].bytes, "bb");
}

TEST(Codegen, FatalErrorsInsideLlvmBecomeErrors) {
  // An instruction that the target lacks cannot be selected, and LLVM gives up by abort().
  strategy::Target machine = target("x86_64-linux-gnu");
  auto emit = [&](const char *text) {
    mlir::DialectRegistry registry;
    codegen::registerLowerToLlvm(registry);
    mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
    context.loadAllAvailableDialects();
    auto kernels = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(kernels);
    llvm::LLVMContext llvm_context;
    auto module = codegen::cpu::lowerToLlvm(*kernels, machine, llvm_context);
    EXPECT_TRUE(module);
    EXPECT_FALSE(bool(codegen::host::optimizeModule(*module, machine)));
    auto object = codegen::host::emitObject(*module, machine);
    return object ? std::string() : llvm::toString(object.takeError());
  };
  EXPECT_NE(emit(R"(
      llvm.func @f(%p: !llvm.ptr) {
        %v = llvm.load %p : !llvm.ptr -> vector<16xf32>
        %four = llvm.mlir.constant(4 : i32) : i32
        %r = llvm.call_intrinsic "llvm.x86.avx512.sqrt.ps.512"(%v, %four)
            : (vector<16xf32>, i32) -> vector<16xf32>
        llvm.store %r, %p : vector<16xf32>, !llvm.ptr
        llvm.return
      })")
                .find("LLVM failed inside code generation"),
            std::string::npos);
  // And the next compilation is none the worse.
  EXPECT_EQ(emit("llvm.func @f() { llvm.return }"), "");
}

TEST(Codegen, CallsOfOtherLibrariesAreRefused) {
  strategy::Target machine = target("x86_64-linux-gnu");
  mlir::DialectRegistry registry;
  codegen::registerLowerToLlvm(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  auto kernels = mlir::parseSourceString<mlir::ModuleOp>(
      "func.func @f(%x: f32) -> f32 { %y = math.log2 %x : f32 return %y : f32 }", &context);
  llvm::LLVMContext llvm_context;
  auto module = codegen::cpu::lowerToLlvm(*kernels, machine, llvm_context);
  ASSERT_TRUE(module);
  auto object = codegen::host::emitObject(*module, machine);
  ASSERT_FALSE(bool(object));
  EXPECT_NE(llvm::toString(object.takeError()).find("the generated code calls 'log2f'"),
            std::string::npos);
}

TEST(Header, NamesSizesAndIndices) {
  Model model = affineModel(target());
  auto header = writeHeader(model);
  ASSERT_TRUE(bool(header));
  for (const char *line :
       {"extern const graven_artifact graven_model_affine;", "#define GRAVEN_AFFINE_STATE_BYTES 64",
        "#define GRAVEN_AFFINE_ENTRY_PREDICT 0", "#define GRAVEN_AFFINE_PREDICT_BATCH 8",
        "#define GRAVEN_AFFINE_PREDICT_INPUT_X 0",
        "#define GRAVEN_AFFINE_PREDICT_OUTPUT_Y_BYTES 128",
        "#define GRAVEN_AFFINE_STATE_OUT_BIAS \"out.bias\"", "#define GRAVEN_AFFINE_PEAK_BYTES 80"})
    EXPECT_NE(header->find(line), std::string::npos) << line << "\n" << *header;
}

TEST(Header, NamesThatBecomeOneMacroAreAnError) {
  Model model = affineModel(target());
  model.states.push_back({"out_bias", {GRAVEN_F32, {4}}, GRAVEN_ROLE_PARAMETER, 64});
  auto header = writeHeader(model);
  ASSERT_FALSE(bool(header));
  EXPECT_EQ(llvm::toString(header.takeError()),
            "state 'out.bias' and state 'out_bias' both become the macro "
            "GRAVEN_AFFINE_STATE_OUT_BIAS of the C header; rename one of them");
}

TEST(Target, UnknownNamesGetAnAnswer) {
  auto cpu = codegen::cpu::resolveTarget("x86_64-linux-gnu", "znver44");
  ASSERT_FALSE(bool(cpu));
  std::string message = llvm::toString(cpu.takeError());
  EXPECT_NE(message.find("unknown CPU 'znver44'"), std::string::npos) << message;
  EXPECT_NE(message.find("znver4"), std::string::npos) << message;
  auto triple = codegen::cpu::resolveTarget("vax-vms", "");
  ASSERT_FALSE(bool(triple));
  EXPECT_NE(llvm::toString(triple.takeError()).find("unknown target 'vax-vms'"), std::string::npos);
  auto old = codegen::cpu::resolveTarget("x86_64-linux-gnu", "core2");
  ASSERT_FALSE(bool(old));
  EXPECT_NE(llvm::toString(old.takeError()).find("lacks instructions"), std::string::npos);
}

TEST(Target, LevelsFollowTheCpu) {
  auto zen4 = codegen::cpu::resolveTarget("x86_64-linux-gnu", "znver4");
  ASSERT_TRUE(bool(zen4));
  EXPECT_EQ(zen4->instruction_set, "x86-64-v4");
  EXPECT_EQ(zen4->vector_bytes, 64);
  auto generic = codegen::cpu::resolveTarget("x86_64-linux-gnu", "");
  ASSERT_TRUE(bool(generic));
  EXPECT_EQ(generic->instruction_set, "x86-64-v3");
  EXPECT_EQ(generic->lanes(4), 8);
  auto arm = codegen::cpu::resolveTarget("aarch64-linux-gnu", "");
  ASSERT_TRUE(bool(arm));
  EXPECT_EQ(arm->required_features, std::vector<std::string>{"neon"});
}

}  // namespace
}  // namespace graven::package
