// Suggestions for misspelt names.
#ifndef GRAVEN_RUNTIME_TRAIN_REPORT_SPELLING_H_
#define GRAVEN_RUNTIME_TRAIN_REPORT_SPELLING_H_

#include <string>
#include <vector>

namespace graven::train {

// The candidate nearest to `word` by edit distance, or "" when none is near (at most a third of the
// word's length away, and at least one edit is always allowed).
std::string Nearest(const std::string &word, const std::vector<std::string> &candidates);

// "; did you mean 'x'?" or "".
std::string DidYouMean(const std::string &word, const std::vector<std::string> &candidates);

}  // namespace graven::train

#endif  // GRAVEN_RUNTIME_TRAIN_REPORT_SPELLING_H_
