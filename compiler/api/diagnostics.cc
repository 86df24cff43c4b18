#include "compiler/api/diagnostics.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/IR/BuiltinAttributes.h"

namespace graven::api {
namespace {

constexpr int kMaxErrors = 20;

// The place in a file that `location` stands for: the first found, from the outside inwards.
mlir::FileLineColLoc placeOf(mlir::Location location) {
  mlir::FileLineColLoc found;
  location->walk([&](mlir::Location each) {
    if (auto place = llvm::dyn_cast<mlir::FileLineColLoc>(each)) {
      found = place;
      return mlir::WalkResult::interrupt();
    }
    return mlir::WalkResult::advance();
  });
  return found;
}

llvm::StringRef nameOf(mlir::DiagnosticSeverity severity) {
  switch (severity) {
    case mlir::DiagnosticSeverity::Error:
      return "error";
    case mlir::DiagnosticSeverity::Warning:
      return "warning";
    case mlir::DiagnosticSeverity::Note:
      return "note";
    case mlir::DiagnosticSeverity::Remark:
      return "remark";
  }
  return "error";
}

llvm::StringRef lineOf(llvm::StringRef text, unsigned number) {
  for (unsigned i = 1; i < number && !text.empty(); ++i) text = text.split('\n').second;
  return text.split('\n').first.rtrim('\r');
}

// Whether a terminal can show the line as text.
bool isReadable(llvm::StringRef line) {
  const auto *begin = reinterpret_cast<const llvm::UTF8 *>(line.data());
  return line.size() < 1000 && llvm::isLegalUTF8String(&begin, begin + line.size()) &&
         llvm::none_of(line, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; });
}

}  // namespace

DiagnosticCollector::DiagnosticCollector(mlir::MLIRContext *context, llvm::StringRef source,
                                         llvm::StringRef file_name)
    : source_(source),
      file_name_(file_name),
      handler_(context, [this](mlir::Diagnostic &diagnostic) { add(diagnostic); }) {}

std::string DiagnosticCollector::text() const {
  if (errors_ <= kMaxErrors) return text_;
  return text_ + std::to_string(errors_ - kMaxErrors) + " more errors\n";
}

void DiagnosticCollector::addError(llvm::StringRef message) {
  ++errors_;
  text_ += (file_name_ + ": error: " + message + "\n").str();
}

void DiagnosticCollector::add(mlir::Diagnostic &diagnostic) {
  if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error && ++errors_ > kMaxErrors) return;
  size_t before = text_.size();
  render(diagnostic.getLocation(), nameOf(diagnostic.getSeverity()), diagnostic.str());
  // Entry points share what they call, so one mistake may be met several times.
  std::string rendered = text_.substr(before);
  if (rendered == last_) {
    text_.resize(before);
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error) --errors_;
    return;
  }
  last_ = rendered;
  for (mlir::Diagnostic &note : diagnostic.getNotes())
    render(note.getLocation(), nameOf(note.getSeverity()), note.str());
}

void DiagnosticCollector::render(mlir::Location location, llvm::StringRef severity,
                                 llvm::StringRef message) {
  llvm::raw_string_ostream out(text_);
  mlir::FileLineColLoc place = placeOf(location);
  if (!place || place.getLine() == 0) {
    out << file_name_ << ": " << severity << ": " << message << "\n";
    return;
  }
  out << place.getFilename().getValue() << ":" << place.getLine() << ":" << place.getColumn()
      << ": " << severity << ": " << message << "\n";
  if (place.getFilename().getValue() != file_name_) return;
  llvm::StringRef line = lineOf(source_, place.getLine());
  if (line.trim().empty() || !isReadable(line)) return;
  out << "  " << line << "\n  ";
  // Tabs stay tabs, and bytes that continue a character take no place, so that the caret stands
  // under its column.
  for (char c : line.take_front(place.getColumn() ? place.getColumn() - 1 : 0))
    if (c == '\t')
      out << '\t';
    else if ((c & 0xc0) != 0x80)
      out << ' ';
  out << "^\n";
}

}  // namespace graven::api
