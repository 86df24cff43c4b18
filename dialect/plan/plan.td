// Plans: what the runtime executes, with every byte placed.
#ifndef GRAVEN_DIALECT_PLAN_PLAN_TD
#define GRAVEN_DIALECT_PLAN_PLAN_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Plan_Dialect : Dialect {
  let name = "plan";
  let cppNamespace = "::graven::plan";
  let summary = "Static plans: launches, copies and fills over byte ranges";
  let description = [{
    A plan is a straight list of commands over byte ranges of six segments. Nothing is left to decide
    at run time. Every range names the value that lies there, so that a plan can be replayed and
    checked: a write stamps bytes with a value, a read demands it.

    Places decided before the programs exist are attributes: `plan.place`, a range, on graph.state;
    `plan.state_bytes`, `plan.metric_bytes` and `plan.constant_bytes` on the module.
  }];
  let useDefaultAttributePrinterParser = 1;
}

def Plan_Segment : I32EnumAttr<"Segment", "where a byte range lives", [
    I32EnumAttrCase<"Constant", 0, "constant">,  // in the artifact, read-only
    I32EnumAttrCase<"State", 1, "state">,        // one layout for all entries
    I32EnumAttrCase<"Metric", 2, "metric">,      // metric accumulators
    I32EnumAttrCase<"Arena", 3, "arena">,        // scratch, undefined between calls
    I32EnumAttrCase<"Input", 4, "input">,        // the caller's, one for each argument
    I32EnumAttrCase<"Output", 5, "output">]> {   // the caller's, one for each result
  let cppNamespace = "::graven::plan";
  let genSpecializedAttr = 0;
}

def Plan_Range : AttrDef<Plan_Dialect, "Range"> {
  let mnemonic = "range";
  let summary = "byte range of a segment, and the value that lies there";
  let description = [{
    `slot` is the number of the argument or result for segments input and output, 0 elsewhere.
    `offset` and `bytes` count bytes; `value` is the value's number within its program, 0 where no
    program is concerned. Example: `#plan.range<arena 0, offset = 64, bytes = 256, value = 7>`.
  }];
  let parameters = (ins EnumParameter<Plan_Segment>:$segment, "int64_t":$slot, "int64_t":$offset,
                        "int64_t":$bytes, "int64_t":$value);
  let assemblyFormat = "`<` $segment $slot `,` struct($offset, $bytes, $value) `>`";
  let extraClassDeclaration = [{
    // The first byte after the range.
    int64_t getEnd() const { return getOffset() + getBytes(); }
    // Whether the two have a byte in common.
    bool overlaps(RangeAttr other) const {
      return getSegment() == other.getSegment() && getSlot() == other.getSlot() &&
             getOffset() < other.getEnd() && other.getOffset() < getEnd();
    }
    // Whether the two are the same bytes, whatever their value.
    bool samePlace(RangeAttr other) const {
      return getSegment() == other.getSegment() && getSlot() == other.getSlot() &&
             getOffset() == other.getOffset() && getBytes() == other.getBytes();
    }
    // The same bytes, holding `value`.
    RangeAttr withValue(int64_t value) const {
      return get(getContext(), getSegment(), getSlot(), getOffset(), getBytes(), value);
    }
  }];
}
def Plan_Ranges : TypedArrayAttrBase<Plan_Range, "byte ranges">;

class Plan_Op<string mnemonic, list<Trait> traits = []> : Op<Plan_Dialect, mnemonic, traits>;

def Plan_ProgramOp : Plan_Op<"program", [IsolatedFromAbove, Symbol, NoTerminator, SingleBlock,
      NoRegionArguments]> {
  let summary = "commands of one entry point, in order";
  let description = [{
    `public_name` is the name users call; variants for other batch sizes have symbols of their own.
    Arguments and results are described by names, types and, for arguments, ranges of valid integers
    ([lo, hi), or unit). `initial` lists what lies where when the program begins: old values of the
    states it reads, inputs, constants. `final` lists what must lie where when it ends: each result,
    then the new value of each state written. `liveness_bound` is the largest number of arena bytes
    alive at one time, each buffer rounded up to 64: no placement can take less than it.

    Lifespan: made by `schedule` from graph.entry; `package` writes its records.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$public_name, I64Attr:$batch,
                       UnitAttr:$partial, StrArrayAttr:$arg_names, TypeArrayAttr:$arg_types,
                       OptionalAttr<ArrayAttr>:$arg_ranges, StrArrayAttr:$result_names,
                       TypeArrayAttr:$result_types, I64Attr:$arena_bytes, I64Attr:$liveness_bound,
                       Plan_Ranges:$initial, Plan_Ranges:$final);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
  let hasVerifier = 1;
}

def Plan_LaunchOp : Plan_Op<"launch", [HasParent<"ProgramOp">]> {
  let summary = "run of one stage of a kernel";
  let description = [{
    The machine code receives the addresses of `args`, `results` and `scratch`, in this order. It
    reads the first, writes the second, reads and writes the third (one range or none). The stages of
    a kernel follow one another with the same ranges.

    ```mlir
    plan.launch @exp_f32 stage "" grid 4
      args [#plan.range<input 0, offset = 0, bytes = 256, value = 1>]
      results [#plan.range<output 0, offset = 0, bytes = 256, value = 2>]
      scratch []
    ```

    Lifespan: that of its program.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, StrAttr:$stage, I64Attr:$grid, Plan_Ranges:$args,
                       Plan_Ranges:$results, Plan_Ranges:$scratch,
                       DefaultValuedAttr<I64Attr, "0">:$flops,
                       DefaultValuedAttr<I64Attr, "0">:$bytes);
  let assemblyFormat = [{
    $kernel `stage` $stage `grid` $grid `args` $args `results` $results `scratch` $scratch attr-dict
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    // args, results, scratch: the operands in the order of the machine code's buffers.
    ::llvm::SmallVector<::graven::plan::RangeAttr> getBuffers();
  }];
}

def Plan_CopyOp : Plan_Op<"copy", [HasParent<"ProgramOp">]> {
  let summary = "copy of bytes";
  let description = [{
    Source and destination are of one size, apart, and hold the same value afterwards.

    Lifespan: that of its program.
  }];
  let arguments = (ins Plan_Range:$source, Plan_Range:$destination);
  let assemblyFormat = "$source `to` $destination attr-dict";
  let hasVerifier = 1;
}

def Plan_FillOp : Plan_Op<"fill", [HasParent<"ProgramOp">]> {
  let summary = "every byte of a range set to one value";
  let description = [{ Lifespan: that of its program. }];
  let arguments = (ins Plan_Range:$destination, I64Attr:$byte);
  let assemblyFormat = "$destination `with` $byte attr-dict";
  let hasVerifier = 1;
}

def Plan_ConstantOp : Plan_Op<"constant", [Symbol]> {
  let summary = "tensor of the constants segment";
  let description = [{
    Lifespan: made by `schedule` from the dense constants of all entries, equal ones once; `package`
    writes its bytes.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, ElementsAttr:$value, Plan_Range:$place);
  let assemblyFormat = "$sym_name `at` $place `=` $value attr-dict";
}

def Plan_ReadConstantOp : Plan_Op<"read_constant", [Pure]> {
  let summary = "value of a constant";
  let description = [{
    Stands in an entry for a constant that has its place.

    Lifespan: made and used up within `schedule`.
  }];
  let arguments = (ins FlatSymbolRefAttr:$constant);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$constant attr-dict `:` type($result)";
}

#endif
