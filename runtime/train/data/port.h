// What one input or output of an entry point looks like to the data readers.
#ifndef GRAVEN_RUNTIME_TRAIN_DATA_PORT_H_
#define GRAVEN_RUNTIME_TRAIN_DATA_PORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/train/data/tensor.h"

namespace graven::train {

struct Port {
  std::string name;
  graven_dtype dtype = GRAVEN_F32;
  std::vector<int64_t> shape;  // with the compiled batch size in axis 0 when batched
  bool batched = false;
  bool has_range = false;  // range_lo <= value < range_hi
  int64_t range_lo = 0, range_hi = 0;

  // Shape of one row: `shape` without the batch axis.
  std::vector<int64_t> row_shape() const {
    return batched ? std::vector<int64_t>(shape.begin() + 1, shape.end()) : shape;
  }
  // Elements of one row.
  int64_t row_elements() const {
    int64_t count = 1;
    for (int64_t extent : row_shape()) count *= extent;
    return count;
  }
  size_t row_bytes() const { return static_cast<size_t>(row_elements()) * DtypeBytes(dtype); }
};

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_DATA_PORT_H_
