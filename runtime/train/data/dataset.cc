#include "runtime/train/data/dataset.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/train/data/csv.h"
#include "runtime/train/data/file.h"
#include "runtime/train/data/idx.h"
#include "runtime/train/data/npy.h"
#include "runtime/train/report/spelling.h"
#include "runtime/train/status_macros.h"

namespace graven::train {
namespace {

bool IsInteger(graven_dtype dtype) { return !IsFloat(dtype); }

// Whether label values are class numbers for this port: integers, or one-hot rows.
bool WantsOneHot(const Port &port) { return !IsInteger(port.dtype) && port.row_elements() > 1; }

// Number of classes that the port distinguishes; 0 when it does not tell.
int64_t ClassCount(const Port &port) {
  if (WantsOneHot(port)) return port.row_elements();
  return port.has_range && port.range_lo == 0 ? port.range_hi : 0;
}

// Places in messages: CSV labels have a line and column, array labels a row.
struct LabelPlaces {
  std::string path;
  const CsvData *csv = nullptr;
  std::string At(int64_t row) const {
    if (csv == nullptr) return absl::StrFormat("%s: row %d", path, row);
    return absl::StrFormat("%s:%d:%d", path, csv->lines[row], csv->label_position);
  }
};

// Gives `tensor` (axis 0 = rows) the port's type and row shape.
absl::StatusOr<Tensor> FitToPort(Tensor tensor, const Port &port, const std::string &path) {
  if (tensor.shape.empty()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: holds a scalar; expected one row per example", path));
  }
  if (tensor.row_elements() != port.row_elements()) {
    std::vector<int64_t> row(tensor.shape.begin() + 1, tensor.shape.end());
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: a row has shape %s (%d elements), the model's input '%s' takes %s (%d elements) per "
        "row; give data of that shape or change the model's input",
        path, TypeText(tensor.dtype, row), tensor.row_elements(), port.name,
        TypeText(port.dtype, port.row_shape()), port.row_elements()));
  }
  int64_t rows = tensor.shape[0];
  GRAVEN_ASSIGN_OR_RETURN(Tensor result, Convert(std::move(tensor), port.dtype,
                                                 absl::StrCat(path, ": input '", port.name, "'")));
  result.shape = port.row_shape();
  result.shape.insert(result.shape.begin(), rows);
  return result;
}

absl::Status CheckFinite(const Tensor &tensor, const Port &port, const std::string &path) {
  int64_t at = FindNonFinite(tensor);
  if (at < 0) return absl::OkStatus();
  int64_t row = at / std::max<int64_t>(1, tensor.row_elements());
  return absl::InvalidArgumentError(absl::StrFormat(
      "%s: row %d, element %d of input '%s' is %g; a model cannot learn from it: clean the data",
      path, row, at % std::max<int64_t>(1, tensor.row_elements()), port.name, tensor.at(at)));
}

// Turns class numbers (or values) in an array of one element per row into the labels' port.
absl::StatusOr<Tensor> PlaceLabels(Tensor values, const Port &port, const LabelPlaces &places,
                                   Dataset *dataset) {
  const int64_t rows = values.shape.empty() ? 0 : values.shape[0];
  const bool single = !values.shape.empty() && values.row_elements() == 1;
  const bool classes = IsInteger(port.dtype) || WantsOneHot(port);
  if (single && classes && (WantsOneHot(port) || port.row_elements() == 1)) {
    GRAVEN_ASSIGN_OR_RETURN(Tensor numbers, Convert(values, GRAVEN_I64, places.path + ": labels"));
    int64_t lo = port.has_range ? port.range_lo : 0;
    int64_t hi = port.has_range ? port.range_hi : ClassCount(port);
    if (hi > lo) {
      for (int64_t row = 0; row < rows; ++row) {
        int64_t label = numbers.as<int64_t>()[row];
        if (label >= lo && label < hi) continue;
        return absl::OutOfRangeError(absl::StrFormat(
            "%s: label %d is out of range; the model distinguishes %d to %d: number the classes "
            "from %d, or give the model more outputs",
            places.At(row), label, lo, hi - 1, lo));
      }
    }
    dataset->class_of_row.assign(numbers.as<int64_t>(), numbers.as<int64_t>() + rows);
    if (WantsOneHot(port)) {
      std::vector<int64_t> shape = port.row_shape();
      shape.insert(shape.begin(), rows);
      Tensor hot = Tensor::Zeros(GRAVEN_F64, shape);
      for (int64_t row = 0; row < rows; ++row) {
        hot.as<double>()[row * port.row_elements() + numbers.as<int64_t>()[row]] = 1.0;
      }
      return FitToPort(std::move(hot), port, places.path);
    }
  }
  GRAVEN_ASSIGN_OR_RETURN(Tensor labels, FitToPort(std::move(values), port, places.path));
  GRAVEN_RETURN_IF_ERROR(CheckFinite(labels, port, places.path));
  return labels;
}

bool AllNumbers(const std::vector<std::string> &labels, std::vector<double> *values) {
  values->clear();
  for (const std::string &label : labels) {
    double value = 0;
    auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value);
    if (error != std::errc() || end != label.data() + label.size() || !std::isfinite(value)) {
      return false;
    }
    values->push_back(value);
  }
  return true;
}

absl::StatusOr<Tensor> CsvLabels(const CsvData &csv, const Port &port, const std::string &path,
                                 const std::vector<std::string> &vocabulary, Dataset *dataset) {
  LabelPlaces places{path, &csv};
  Tensor values = Tensor::Zeros(GRAVEN_F64, {csv.rows});
  std::vector<double> numbers;
  if (vocabulary.empty() && AllNumbers(csv.labels, &numbers)) {
    std::copy(numbers.begin(), numbers.end(), values.as<double>());
    return PlaceLabels(std::move(values), port, places, dataset);
  }
  std::vector<std::string> names = vocabulary;
  if (names.empty()) {
    std::set<std::string> distinct(csv.labels.begin(), csv.labels.end());
    names.assign(distinct.begin(), distinct.end());
  }
  int64_t known = ClassCount(port);
  bool binary = !IsInteger(port.dtype) && port.row_elements() == 1;
  if (binary) known = 2;
  if (known > 0 && static_cast<int64_t>(names.size()) > known) {
    std::vector<std::string> shown(names.begin(),
                                   names.begin() + std::min<size_t>(names.size(), 8));
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s: column '%s' holds %d different labels (%s%s), the model distinguishes %d; choose the "
        "label's column with --label, or give the model more outputs",
        path, csv.label_column, names.size(), absl::StrJoin(shown, ", "),
        names.size() > shown.size() ? ", ..." : "", known));
  }
  for (int64_t row = 0; row < csv.rows; ++row) {
    auto found = std::find(names.begin(), names.end(), csv.labels[row]);
    if (found == names.end()) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "%s: class '%s' is unknown%s; the classes the model was trained on are %s",
          places.At(row), csv.labels[row], DidYouMean(csv.labels[row], names),
          absl::StrJoin(names, ", ")));
    }
    values.as<double>()[row] = static_cast<double>(found - names.begin());
  }
  GRAVEN_ASSIGN_OR_RETURN(Tensor labels, PlaceLabels(values, port, places, dataset));
  dataset->classes = names;
  dataset->class_of_row.resize(csv.rows);
  for (int64_t row = 0; row < csv.rows; ++row) {
    dataset->class_of_row[row] = static_cast<int64_t>(values.as<double>()[row]);
  }
  return labels;
}

absl::StatusOr<Dataset> FromCsv(const std::string &path, const std::string &text,
                                const Port &features, const Port *labels,
                                const DatasetOptions &options) {
  CsvRequest request;
  request.features = options.columns;
  request.label = options.label;
  request.want_labels = labels != nullptr;
  request.feature_count = features.row_elements();
  GRAVEN_ASSIGN_OR_RETURN(CsvData csv, ParseCsv(path, text, request));
  Dataset dataset;
  dataset.rows = csv.rows;
  dataset.columns = csv.feature_columns;
  dataset.label_column = csv.label_column;
  Tensor values =
      Tensor::Zeros(GRAVEN_F64, {csv.rows, static_cast<int64_t>(csv.feature_columns.size())});
  std::copy(csv.features.begin(), csv.features.end(), values.as<double>());
  GRAVEN_ASSIGN_OR_RETURN(dataset.features, FitToPort(std::move(values), features, path));
  // A finite f64 may overflow a narrower type.
  GRAVEN_RETURN_IF_ERROR(CheckFinite(dataset.features, features, path));
  if (labels != nullptr) {
    GRAVEN_ASSIGN_OR_RETURN(dataset.labels,
                            CsvLabels(csv, *labels, path, options.classes, &dataset));
  }
  return dataset;
}

absl::StatusOr<Tensor> ReadArray(const std::string &path, const std::string &bytes) {
  if (LooksLikeNpy(bytes)) return ParseNpy(path, bytes);
  if (LooksLikeIdx(bytes)) return ParseIdx(path, bytes);
  return absl::InvalidArgumentError(
      path +
      ": is neither IDX nor npy; of a pair of files, the first holds the features, the second "
      "the labels");
}

absl::StatusOr<Dataset> FromArrays(Tensor features_array, const std::string &features_path,
                                   std::optional<Tensor> labels_array,
                                   const std::string &labels_path, const Port &features,
                                   const Port *labels) {
  Dataset dataset;
  GRAVEN_ASSIGN_OR_RETURN(dataset.features,
                          FitToPort(std::move(features_array), features, features_path));
  GRAVEN_RETURN_IF_ERROR(CheckFinite(dataset.features, features, features_path));
  dataset.rows = dataset.features.shape[0];
  if (dataset.rows == 0) return absl::InvalidArgumentError(features_path + ": holds no rows");
  if (labels == nullptr) return dataset;
  if (!labels_array.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s: holds features only, but the model's input '%s' needs labels; give "
                        "two files: %s,LABELS",
                        features_path, labels->name, features_path));
  }
  int64_t count = labels_array->shape.empty() ? 1 : labels_array->shape[0];
  if (count != dataset.rows) {
    return absl::InvalidArgumentError(
        absl::StrFormat("%s has %d rows, %s has %d; they must have one label per row",
                        features_path, dataset.rows, labels_path, count));
  }
  GRAVEN_ASSIGN_OR_RETURN(dataset.labels, PlaceLabels(std::move(*labels_array), *labels,
                                                      LabelPlaces{labels_path}, &dataset));
  return dataset;
}

// The array called `port.name`, else array number `position`.
absl::StatusOr<Tensor> TakeArray(std::vector<std::pair<std::string, Tensor>> *arrays,
                                 const std::string &path, const Port &port, size_t position) {
  std::vector<std::string> names;
  for (auto &[name, tensor] : *arrays) {
    if (name == port.name) return tensor;
    names.push_back(name);
  }
  if (position < arrays->size()) return (*arrays)[position].second;
  return absl::NotFoundError(absl::StrFormat("%s: no array for input '%s'; the arrays are %s", path,
                                             port.name, absl::StrJoin(names, ", ")));
}

absl::StatusOr<Dataset> FromNpz(const std::string &path, const Port &features, const Port *labels) {
  GRAVEN_ASSIGN_OR_RETURN(auto arrays, ReadNpz(path));
  GRAVEN_ASSIGN_OR_RETURN(Tensor x, TakeArray(&arrays, path, features, 0));
  std::optional<Tensor> y;
  if (labels != nullptr) {
    GRAVEN_ASSIGN_OR_RETURN(y, TakeArray(&arrays, path, *labels, 1));
  }
  return FromArrays(std::move(x), path, std::move(y), path, features, labels);
}

absl::StatusOr<Dataset> Load(const std::string &source, const Port &features, const Port *labels,
                             const DatasetOptions &options) {
  size_t comma = source.find(',');
  // A file whose name holds a comma is taken as it is.
  if (comma == std::string::npos || FileExists(source)) {
    GRAVEN_ASSIGN_OR_RETURN(std::string bytes, ReadMaybeGzip(source));
    if (bytes.empty()) return absl::InvalidArgumentError(source + ": is empty");
    if (LooksLikeNpz(bytes)) return FromNpz(source, features, labels);
    if (LooksLikeNpy(bytes) || LooksLikeIdx(bytes)) {
      GRAVEN_ASSIGN_OR_RETURN(Tensor array, ReadArray(source, bytes));
      return FromArrays(std::move(array), source, std::nullopt, "", features, labels);
    }
    return FromCsv(source, bytes, features, labels, options);
  }
  std::string first = source.substr(0, comma);
  std::string second = source.substr(comma + 1);
  GRAVEN_ASSIGN_OR_RETURN(std::string bytes, ReadMaybeGzip(first));
  GRAVEN_ASSIGN_OR_RETURN(Tensor x, ReadArray(first, bytes));
  std::optional<Tensor> y;
  if (labels != nullptr) {
    GRAVEN_ASSIGN_OR_RETURN(bytes, ReadMaybeGzip(second));
    GRAVEN_ASSIGN_OR_RETURN(y, ReadArray(second, bytes));
  }
  return FromArrays(std::move(x), first, std::move(y), second, features, labels);
}

}  // namespace

uint64_t Dataset::Digest() const {
  XXH64_hash_t digest = XXH64(features.data.data(), features.data.size(), 0);
  std::string type = TypeText(features.dtype, features.shape);
  digest = XXH64(type.data(), type.size(), digest);
  if (labels.has_value()) {
    digest = XXH64(labels->data.data(), labels->data.size(), digest);
    type = TypeText(labels->dtype, labels->shape);
    digest = XXH64(type.data(), type.size(), digest);
  }
  return digest;
}

absl::StatusOr<Dataset> LoadDataset(const std::string &source, const Port &features,
                                    const Port *labels, const DatasetOptions &options) {
  if (!features.batched || (labels != nullptr && !labels->batched)) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "input '%s' has no batch axis, so rows of a data set cannot be fed to it; use 'graven-run "
        "call'",
        features.batched ? labels->name : features.name));
  }
  GRAVEN_ASSIGN_OR_RETURN(Dataset dataset, Load(source, features, labels, options));
  dataset.source = source;
  if (dataset.classes.empty()) dataset.classes = options.classes;
  return dataset;
}

Dataset SelectRows(const Dataset &dataset, const std::vector<int64_t> &rows) {
  auto select = [&rows](const Tensor &tensor) {
    Tensor result;
    result.dtype = tensor.dtype;
    result.shape = tensor.shape;
    result.shape[0] = static_cast<int64_t>(rows.size());
    size_t bytes = tensor.row_bytes();
    result.data.resize(bytes * rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      memcpy(result.data.data() + i * bytes,
             tensor.data.data() + static_cast<size_t>(rows[i]) * bytes, bytes);
    }
    return result;
  };
  Dataset result;
  result.source = dataset.source;
  result.rows = static_cast<int64_t>(rows.size());
  result.features = select(dataset.features);
  if (dataset.labels.has_value()) result.labels = select(*dataset.labels);
  result.classes = dataset.classes;
  result.columns = dataset.columns;
  result.label_column = dataset.label_column;
  if (!dataset.class_of_row.empty()) {
    for (int64_t row : rows) result.class_of_row.push_back(dataset.class_of_row[row]);
  }
  return result;
}

}  // namespace graven::train
