// Strategies forced by name, for tests and experiments.
#ifndef GRAVEN_COMPILER_STRATEGY_FORCE_STRATEGY_H_
#define GRAVEN_COMPILER_STRATEGY_FORCE_STRATEGY_H_

#include "compiler/strategy/strategy.h"
#include "compiler/strategy/target.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace graven::strategy {

// Reads `text`, NAME or NAME:PARAM=NUMBER,..., into target.forced; an empty text forces nothing.
// The name is not checked against a device's table.
llvm::Error forceStrategy(llvm::StringRef text, Target &target);

// Reads `text`, KIND:NAME or KIND:NAME:PARAM=NUMBER,..., into target.forced_by_kind. Errors list
// the kinds of kernels, or the strategies of `table`, where it has none of that name.
llvm::Error forceStrategyOfKind(llvm::StringRef text, StrategyTable table, Target &target);

}  // namespace graven::strategy

#endif  // GRAVEN_COMPILER_STRATEGY_FORCE_STRATEGY_H_
