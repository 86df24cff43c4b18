// Heapsort of indices: in place, no allocation, no worst case.
#ifndef GRAVEN_RUNTIME_CORE_SORT_H_
#define GRAVEN_RUNTIME_CORE_SORT_H_

#include <stdint.h>

namespace graven1 {

// Sorts `items[0, count)` ascending by `less(a, b)`.
template <typename T, typename Less>
void heap_sort(T *items, uint32_t count, Less less) {
  auto sift = [&](uint64_t root, uint64_t end) {
    for (uint64_t child; (child = 2 * root + 1) < end; root = child) {
      if (child + 1 < end && less(items[child], items[child + 1])) ++child;
      if (!less(items[root], items[child])) return;
      T swap = items[root];
      items[root] = items[child];
      items[child] = swap;
    }
  };
  for (uint64_t i = count / 2; i-- > 0;) sift(i, count);
  for (uint64_t end = count; end-- > 1;) {
    T swap = items[0];
    items[0] = items[end];
    items[end] = swap;
    sift(0, end);
  }
}

}  // namespace graven1

#endif  // GRAVEN_RUNTIME_CORE_SORT_H_
