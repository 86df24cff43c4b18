#include "compiler/report/tags.h"

using namespace mlir;

namespace graven::report {

Location tagged(Location loc, StringRef name, Tag tag) {
  Builder b(loc.getContext());
  return FusedLoc::get(
      {loc},
      b.getDictionaryAttr(b.getNamedAttr(name, b.getDenseI64ArrayAttr({tag.entry, tag.index}))),
      loc.getContext());
}

std::optional<Tag> tagOf(Location loc, StringRef name) {
  std::optional<Tag> found;
  loc->walk([&](Location each) {
    auto fused = dyn_cast<FusedLoc>(each);
    auto tags = fused ? dyn_cast_or_null<DictionaryAttr>(fused.getMetadata()) : DictionaryAttr();
    auto value = tags ? tags.getAs<DenseI64ArrayAttr>(name) : DenseI64ArrayAttr();
    if (!value) return WalkResult::advance();
    found = Tag{value[0], value[1]};
    return WalkResult::interrupt();
  });
  return found;
}

}  // namespace graven::report
