// A data set in memory, already in the types and row shapes of the model's inputs.
//
// A source is `F` or `F,F`: a CSV file with a header (features and a label column), an npz archive
// (arrays named after the inputs, or in the inputs' order), or a pair of IDX or npy files
// (features, labels). The format is told by the content, not by the name; any file may be gzipped
// (npz excepted).
#ifndef GRAVEN_RUNTIME_TRAIN_DATA_DATASET_H_
#define GRAVEN_RUNTIME_TRAIN_DATA_DATASET_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/train/data/port.h"
#include "runtime/train/data/tensor.h"

namespace graven::train {

struct Dataset {
  std::string source;  // as the user wrote it, for messages
  int64_t rows = 0;
  Tensor features;                    // [rows, row shape of the features' port]
  std::optional<Tensor> labels;       // [rows, row shape of the labels' port]
  std::vector<std::string> classes;   // names of label values 0, 1, ...; empty when they have none
  std::vector<std::string> columns;   // CSV feature columns in the model's order; else empty
  std::string label_column;           // CSV label column; else empty
  std::vector<int64_t> class_of_row;  // for stratified splits; empty when labels are no classes

  // XXH64 over types, shapes and bytes: tells whether a resumed run sees the same data.
  uint64_t Digest() const;
};

struct DatasetOptions {
  std::string label;  // CSV label column; empty: the last
  std::vector<std::string>
      classes;  // vocabulary of an earlier run; empty: make one, sorted by name
  std::vector<std::string> columns;  // column map of an earlier run; empty: as in the file
};

// Reads `source` for a model with these inputs; `labels` is null where none are wanted. Values are
// converted to the ports' types (ui8 as it is), row shapes are adapted where element counts agree,
// integer labels become one-hot rows where the model takes those. Refuses NaN and infinite features
// and labels outside of the model's declared range, naming the place.
absl::StatusOr<Dataset> LoadDataset(const std::string &source, const Port &features,
                                    const Port *labels, const DatasetOptions &options);

// The given rows, in the given order.
Dataset SelectRows(const Dataset &dataset, const std::vector<int64_t> &rows);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_DATA_DATASET_H_
