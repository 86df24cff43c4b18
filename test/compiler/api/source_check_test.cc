// Texts that must never reach MLIR's parser, and texts that must.
#include "compiler/api/source_check.h"

#include <gtest/gtest.h>

#include <string>

#include "compiler/api/diagnostics.h"
#include "mlir/IR/MLIRContext.h"

namespace graven::api {
namespace {

// What is said about `source`; "" when it is fit for parsing.
std::string check(const std::string &source) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  DiagnosticCollector diagnostics(&context, source, "m.mlir");
  mlir::LogicalResult result = checkSource(source, "m.mlir", &context);
  EXPECT_EQ(mlir::failed(result), diagnostics.hasErrors());
  return diagnostics.text();
}

TEST(SourceCheck, RefusesBytecode) {
  EXPECT_EQ(check("ML\xefR\x06garbage"),
            "m.mlir: error: this is MLIR bytecode; expected a model as text\n");
}

TEST(SourceCheck, RefusesDeepNestingWithItsPlace) {
  std::string source = "nn.model @m {\n" + std::string(400, '[');
  EXPECT_EQ(check(source).substr(0, 77),
            "m.mlir:2:256: error: brackets are nested more than 256 deep here; no model ne");
  EXPECT_NE(check(std::string(200000, '[')), "");
  std::string modules;
  for (int i = 0; i < 30000; ++i) modules += "module {";
  EXPECT_NE(check(modules), "");
}

TEST(SourceCheck, RefusesOtherBytes) {
  EXPECT_NE(check(std::string("a\0b", 3)).find("NUL"), std::string::npos);
  EXPECT_NE(check("abc\n\xff\xfe").find("m.mlir:2:1: error: this line holds bytes"),
            std::string::npos);
  EXPECT_NE(check("{-# dialect_resources: {} #-}").find("other tools' data"), std::string::npos);
}

TEST(SourceCheck, SeesThroughCommentsAndStrings) {
  std::string brackets(300, '(');
  EXPECT_EQ(check("// " + brackets + "\n\"" + brackets + "\\\"(\" // ok"), "");
  EXPECT_EQ(check("graph.func @f(%x: tensor<?x4xf32>) -> () {}"), "");
  EXPECT_EQ(check(""), "");
}

TEST(SourceCheck, BalancedTextOfAnyLengthPasses) {
  std::string source;
  for (int i = 0; i < 1000; ++i) source += "f(g[h{a -> b}]) : tensor<4xf32>\n";
  EXPECT_EQ(check(source), "");
}

TEST(Diagnostics, ShowsTheLineAndACaret) {
  std::string source = "nn.model @m {\n\tdense(units = 3)\n}\n";
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  DiagnosticCollector diagnostics(&context, source, "m.mlir");
  auto place = [&](unsigned line, unsigned column) {
    return mlir::FileLineColLoc::get(&context, "m.mlir", line, column);
  };
  auto error = mlir::emitError(place(2, 8), "units are few");
  error.attachNote(place(1, 1)) << "in this model";
  error.report();
  EXPECT_EQ(diagnostics.text(),
            "m.mlir:2:8: error: units are few\n  \tdense(units = 3)\n  \t      ^\n"
            "m.mlir:1:1: note: in this model\n  nn.model @m {\n  ^\n");
}

TEST(Diagnostics, SaysAMistakeOnceAndCountsTheRest) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  DiagnosticCollector diagnostics(&context, "", "m.mlir");
  mlir::Location nowhere = mlir::UnknownLoc::get(&context);
  for (int i = 0; i < 3; ++i) mlir::emitError(nowhere, "the same");
  EXPECT_EQ(diagnostics.text(), "m.mlir: error: the same\n");
  for (int i = 0; i < 30; ++i) mlir::emitError(nowhere, "number " + std::to_string(i));
  EXPECT_NE(diagnostics.text().find("11 more errors\n"), std::string::npos);
}

}  // namespace
}  // namespace graven::api
