// Every op of the graph language is complete: it has a row, a way through `differentiate`, a
// meaning to the interpreter, and a description with an example that parses and a sentence on its
// lifespan.
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "compiler/differentiate/rules/rule.h"
#include "llvm/Support/JSON.h"
#include "mlir/Parser/Parser.h"
#include "test/ops/fixture.h"
#include "test/ops/interpreter.h"

namespace graven::ops_test {
namespace {

using namespace mlir;

std::vector<RegisteredOperationName> graphOps() {
  std::vector<RegisteredOperationName> ops;
  for (RegisteredOperationName name : context().getRegisteredOperations())
    if (name.getDialectNamespace() == "graph") ops.push_back(name);
  return ops;
}

// Computes values: the others (entry, state, read, ...) give structure.
bool computes(RegisteredOperationName name) {
  return name.hasInterface<graph::ShapedGraphOpInterface>();
}

TEST(Completeness, EveryOpHasARow) {
  std::set<std::string> rows;
  for (const Row &row : opRows()) rows.insert(row.op);
  for (RegisteredOperationName name : graphOps())
    if (computes(name))
      EXPECT_TRUE(rows.erase(name.stripDialect().str()))
          << name.getStringRef().str() << " has no row";
  EXPECT_TRUE(rows.empty()) << *rows.begin() << " has a row and is no op";
}

TEST(Completeness, EveryPrimitiveHasARuleOrNoGradient) {
  for (RegisteredOperationName name : graphOps()) {
    if (!computes(name) || name.hasInterface<graph::CompositeOpInterface>()) continue;
    bool hasRule = differentiate::RuleTable::all().find(name.getStringRef());
    EXPECT_NE(hasRule, name.hasTrait<graph::NotDifferentiable>())
        << name.getStringRef().str() << " needs a rule or NotDifferentiable, and not both";
  }
}

TEST(Completeness, EveryPrimitiveIsInterpreted) {
  for (RegisteredOperationName name : graphOps()) {
    if (!computes(name)) continue;
    EXPECT_NE(isInterpreted(name.getStringRef()), name.hasInterface<graph::CompositeOpInterface>())
        << name.getStringRef().str();
  }
}

// Op records by name, from the dumps that the build makes of the .td files.
std::map<std::string, std::string> descriptions() {
  std::map<std::string, std::string> found;
  std::stringstream files(GRAVEN_OP_RECORDS);
  for (std::string file; std::getline(files, file, ':');) {
    std::stringstream text;
    text << std::ifstream(file).rdbuf();
    llvm::Expected<llvm::json::Value> json = llvm::json::parse(text.str());
    if (!json) {
      ADD_FAILURE() << file << " is no JSON: " << llvm::toString(json.takeError());
      continue;
    }
    for (auto &[name, record] : *json->getAsObject()) {
      const llvm::json::Object *fields = record.getAsObject();
      if (!fields || !fields->getString("opName")) continue;
      const llvm::json::Object *dialect = fields->getObject("opDialect");
      if (!dialect || dialect->getString("def") != "Graph_Dialect") continue;
      found["graph." + fields->getString("opName")->str()] =
          fields->getString("description").value_or("").str();
    }
  }
  return found;
}

// The example of a description, inside a function that has an argument for each value it does not
// define itself.
std::string exampleModule(const std::string &example) {
  if (llvm::StringRef(example).ltrim().starts_with("graph.")) return example;
  std::set<std::string> defined, arguments;
  static const std::regex value("%[A-Za-z0-9_]+");
  std::istringstream lines(example);
  for (std::string line; std::getline(lines, line);) {
    size_t equals = line.find(" = ");
    std::string results =
        equals != std::string::npos && line.find('(') > equals ? line.substr(0, equals) : "";
    size_t names = line.find(" as (");
    if (names != std::string::npos) results += line.substr(names);
    for (std::sregex_iterator at(line.begin(), line.end(), value), end; at != end; ++at)
      if (results.find(at->str()) == std::string::npos && !defined.count(at->str()))
        arguments.insert(at->str());
    for (std::sregex_iterator at(results.begin(), results.end(), value), end; at != end; ++at)
      defined.insert(at->str());
  }
  std::string text = "graph.func @example(";
  for (const std::string &argument : arguments)
    text += (text.back() == '(' ? "" : ", ") + argument + ": tensor<?x4xf32>";
  return text + ") {\n" + example + "\n}\n";
}

TEST(Completeness, EveryOpIsDescribed) {
  std::map<std::string, std::string> described = descriptions();
  for (RegisteredOperationName name : graphOps()) {
    std::string op = name.getStringRef().str();
    SCOPED_TRACE(op);
    ASSERT_TRUE(described.count(op)) << "its record was not found";
    const std::string &text = described[op];
    EXPECT_NE(text.find("Lifespan: "), std::string::npos) << "tells no lifespan";
    size_t begin = text.find("```mlir\n"), end = text.find("```", begin + 8);
    ASSERT_NE(end, std::string::npos) << "shows no example";
    std::string example = text.substr(begin + 8, end - begin - 8);
    EXPECT_NE(example.find(name.stripDialect().str()), std::string::npos)
        << "its example shows another op";
    std::string module = exampleModule(example);
    OwningOpRef<ModuleOp> parsed =
        parseSourceString<ModuleOp>(module, ParserConfig(&context(), false));
    EXPECT_TRUE(parsed) << module;
  }
}

}  // namespace
}  // namespace graven::ops_test
