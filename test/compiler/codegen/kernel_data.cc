#include "test/compiler/codegen/kernel_data.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "test/ops/interpreter.h"

using namespace mlir;

namespace graven::codegen {
namespace {

template <typename T>
void encodeAs(const Numbers &numbers, Bytes &bytes) {
  for (size_t i = 0; i < numbers.size(); ++i) {
    T value = static_cast<T>(numbers[i]);
    memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
}
template <typename T>
Numbers decodeAs(const Bytes &bytes) {
  Numbers numbers(bytes.size() / sizeof(T));
  for (size_t i = 0; i < numbers.size(); ++i) {
    T value;
    memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    numbers[i] = static_cast<double>(value);
  }
  return numbers;
}

// f16 and bf16.
bool isNarrow(Type element) { return isa<Float16Type, BFloat16Type>(element); }

void encodeNarrow(Type element, const Numbers &numbers, Bytes &bytes) {
  const llvm::fltSemantics &semantics = cast<FloatType>(element).getFloatSemantics();
  for (size_t i = 0; i < numbers.size(); ++i) {
    llvm::APFloat value(numbers[i]);
    bool inexact = false;
    value.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &inexact);
    auto bits = static_cast<uint16_t>(value.bitcastToAPInt().getZExtValue());
    memcpy(bytes.data() + i * sizeof bits, &bits, sizeof bits);
  }
}

Numbers decodeNarrow(Type element, const Bytes &bytes) {
  const llvm::fltSemantics &semantics = cast<FloatType>(element).getFloatSemantics();
  Numbers numbers(bytes.size() / 2);
  for (size_t i = 0; i < numbers.size(); ++i) {
    uint16_t bits;
    memcpy(&bits, bytes.data() + i * sizeof bits, sizeof bits);
    numbers[i] = llvm::APFloat(semantics, llvm::APInt(16, bits)).convertToDouble();
  }
  return numbers;
}

}  // namespace

int64_t bytesOfTensor(Type tensor) {
  auto type = cast<RankedTensorType>(tensor);
  return type.getNumElements() * ((type.getElementTypeBitWidth() + 7) / 8);
}

std::string kernelText(const std::string &kind, const std::vector<std::string> &types,
                       const std::string &body, const std::vector<std::string> &results,
                       const std::vector<std::string> &result_types) {
  auto join = [](const std::vector<std::string> &items, const char *before = "") {
    std::string text;
    for (const std::string &item : items) text += (text.empty() ? "" : ", ") + (before + item);
    return text;
  };
  std::string outer, inner, operands, names;
  for (size_t i = 0; i < types.size(); ++i) {
    std::string comma = i ? ", " : "", number = std::to_string(i);
    outer += comma + "%x" + number + ": tensor<" + types[i] + ">";
    inner += comma + "%a" + number + ": tensor<" + types[i] + ">";
    operands += comma + "%x" + number;
  }
  std::string inputs, outputs;
  for (const std::string &type : types)
    inputs += (inputs.empty() ? "" : ", ") + ("tensor<" + type + ">");
  for (const std::string &type : result_types)
    outputs += (outputs.empty() ? "" : ", ") + ("tensor<" + type + ">");
  for (size_t i = 0; i < results.size(); ++i)
    names += (i ? ", " : "") + ("%y#" + std::to_string(i));
  std::string count = results.size() > 1 ? ":" + std::to_string(results.size()) : "";
  if (results.size() == 1) names = "%y";
  return "graph.entry @main(" + outer + ") attributes {result_names = []} {\n  %y" + count +
         " = kernel.fused(" + operands + ") {kind = \"" + kind + "\"} : (" + inputs + ") -> (" +
         outputs + ") {\n  ^bb0(" + inner + "):\n" + body + "\n    kernel.yield " + join(results) +
         " : " + outputs + "\n  }\n  return() : () -> ()\n}\n";
}

std::vector<Numbers> randomInputs(kernel::FuncOp kernel, unsigned seed, double low, double high) {
  std::mt19937_64 random(seed);
  std::vector<Numbers> inputs;
  for (Type tensor : kernel.getInputTypes()) {
    auto type = cast<RankedTensorType>(tensor);
    Numbers numbers(type.getNumElements());
    for (double &number : numbers) {
      if (isa<FloatType>(type.getElementType()))
        number = std::uniform_real_distribution<double>(low, high)(random);
      else if (type.getElementType().isInteger(1))
        number = random() % 2;
      else
        number = static_cast<double>(random() % 12) -
                 (type.getElementType().isUnsignedInteger() ? 0 : 2);
      if (type.getElementType().isF32()) number = static_cast<float>(number);
    }
    inputs.push_back(numbers);
  }
  return inputs;
}

std::vector<Numbers> interpreted(Block &body, const std::vector<Numbers> &inputs) {
  std::vector<ops_test::Tensor> arguments;
  for (auto [argument, numbers] : llvm::zip_equal(body.getArguments(), inputs))
    arguments.push_back(ops_test::tensorOf(cast<RankedTensorType>(argument.getType()), numbers));
  std::vector<Numbers> outputs;
  for (const ops_test::Tensor &tensor : ops_test::interpret(body, arguments))
    outputs.push_back(tensor.isReal() ? tensor.reals
                                      : Numbers(tensor.integers.begin(), tensor.integers.end()));
  return outputs;
}

void expectOutputs(kernel::FuncOp kernel, const std::vector<Bytes> &outputs,
                   const std::vector<Numbers> &expected, double tolerance) {
  for (auto [number, type] : llvm::enumerate(kernel.getOutputTypes())) {
    Numbers actual = decode(type, outputs[number]);
    bool exact = !isa<FloatType>(cast<RankedTensorType>(type).getElementType());
    double scale = 1;
    for (double x : expected[number])
      if (std::isfinite(x)) scale = std::max(scale, std::fabs(x));
    int reported = 0;
    for (size_t i = 0; i < actual.size() && reported < 3; ++i) {
      double want = expected[number][i], got = actual[i];
      bool equal = want == got || (std::isnan(want) && std::isnan(got)) ||
                   (!exact && std::fabs(want - got) <= tolerance * scale);
      if (!equal) {
        ++reported;
        ADD_FAILURE() << "output " << number << " element " << i << ": expected " << want
                      << ", got " << got;
      }
    }
  }
}

Bytes encode(Type tensor, const Numbers &numbers) {
  Bytes bytes(bytesOfTensor(tensor));
  Type element = cast<RankedTensorType>(tensor).getElementType();
  if (element.isF32())
    encodeAs<float>(numbers, bytes);
  else if (element.isF64())
    encodeAs<double>(numbers, bytes);
  else if (isNarrow(element))
    encodeNarrow(element, numbers, bytes);
  else if (element.isInteger(32))
    encodeAs<int32_t>(numbers, bytes);
  else if (element.isInteger(64))
    encodeAs<int64_t>(numbers, bytes);
  else
    encodeAs<uint8_t>(numbers, bytes);
  return bytes;
}

Numbers decode(Type tensor, const Bytes &bytes) {
  Type element = cast<RankedTensorType>(tensor).getElementType();
  if (element.isF32()) return decodeAs<float>(bytes);
  if (element.isF64()) return decodeAs<double>(bytes);
  if (isNarrow(element)) return decodeNarrow(element, bytes);
  if (element.isInteger(32)) return decodeAs<int32_t>(bytes);
  if (element.isInteger(64)) return decodeAs<int64_t>(bytes);
  return decodeAs<uint8_t>(bytes);
}

}  // namespace graven::codegen
