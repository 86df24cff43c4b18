// Comma-separated values (RFC 4180) with a header line: numbers, and one column of labels that may
// be class names. Every error names file:line:column.
#ifndef GRAVEN_RUNTIME_TRAIN_DATA_CSV_H_
#define GRAVEN_RUNTIME_TRAIN_DATA_CSV_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace graven::train {

struct CsvRequest {
  // Feature columns by header name, in the wanted order. Empty: every column but the label's.
  std::vector<std::string> features;
  // Header name of the label column. Empty: the last column.
  std::string label;
  // Without labels the label column is left out when `label` names one that is there; when `label`
  // is empty, the last column is left out if otherwise one column more than `feature_count`
  // remains.
  bool want_labels = true;
  // How many features the model takes per row; 0: unknown.
  int64_t feature_count = 0;
};

struct CsvData {
  std::vector<std::string> feature_columns;
  std::string label_column;  // empty when no labels were read
  int64_t rows = 0;
  std::vector<double> features;     // rows x feature_columns, row-major
  std::vector<std::string> labels;  // one a row, as written, when labels were wanted
  std::vector<int64_t> lines;       // line of each row, for messages
  int64_t label_position = 0;       // column of the label in the file, from 1
};

// Parses `text`, the content of the file `path` (used in messages only).
absl::StatusOr<CsvData> ParseCsv(const std::string &path, const std::string &text,
                                 const CsvRequest &request);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_DATA_CSV_H_
