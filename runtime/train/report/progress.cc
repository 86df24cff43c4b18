#include "runtime/train/report/progress.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace graven::train {
namespace {

constexpr double kSecondsBetweenUpdates = 0.1;
constexpr char kClearLine[] = "\r\x1b[K";

std::string Bar(const ProgressState &state, int length) {
  int64_t filled = state.batches > 0 ? length * state.batch / state.batches : 0;
  std::string bar;
  for (int64_t i = 0; i < length; ++i) bar += i < filled ? "━" : "─";
  return bar;
}

std::string MeasureList(const Measures &measures) {
  std::string text;
  for (bool validation : {false, true}) {
    for (const auto &[name, value] : measures) {
      if (absl::StartsWith(name, "val_") != validation) continue;
      absl::StrAppend(&text, " - ", name, ": ", FormatMeasure(value));
    }
  }
  return text;
}

// "loss: 0.21 (val 0.22)": shorter than two entries.
std::string PairedList(const Measures &measures) {
  std::string text;
  for (const auto &[name, value] : measures) {
    auto validation = measures.find("val_" + name);
    if (absl::StartsWith(name, "val_") && measures.count(name.substr(4)) > 0) continue;
    absl::StrAppend(&text, " - ", name, ": ", FormatMeasure(value));
    if (validation != measures.end()) {
      absl::StrAppend(&text, " (val ", FormatMeasure(validation->second), ")");
    }
  }
  return text;
}

// Cut to `columns` columns at a character's border.
std::string Cut(const std::string &text, int columns) {
  int used = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    bool starts = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (starts && ++used > columns) return text.substr(0, i);
  }
  return text;
}

ProgressState StateOf(const BatchEvent &event) {
  ProgressState state;
  state.epoch = event.epoch;
  state.epochs = event.epochs;
  state.batch = event.batch;
  state.batches = event.batches;
  state.seconds = event.seconds;
  if (event.timed_batches > 0) {
    state.seconds_per_step = event.seconds / static_cast<double>(event.timed_batches);
  }
  state.remaining = state.seconds_per_step * static_cast<double>(event.batches - event.batch);
  state.measures = *event.measures;
  return state;
}

}  // namespace

int DisplayWidth(const std::string &text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string FormatMeasure(double value) {
  double size = std::fabs(value);
  if (!std::isfinite(value) || value == 0) return absl::StrFormat("%.4f", value);
  if (size < 1e-3 || size >= 1e5) return absl::StrFormat("%.2e", value);
  if (size >= 1000) return absl::StrFormat("%.1f", value);
  if (size >= 10) return absl::StrFormat("%.2f", value);
  return absl::StrFormat("%.4f", value);
}

std::string FormatDuration(double seconds) {
  auto whole = static_cast<int64_t>(std::max(0.0, std::min(seconds, 1e9)));
  if (whole < 60) return absl::StrFormat("%ds", whole);
  if (whole < 3600) return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
  return absl::StrFormat("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string FormatPerStep(double seconds) {
  if (seconds < 0.9995e-3) return absl::StrFormat("%.0fus/step", seconds * 1e6);
  if (seconds < 0.9995) return absl::StrFormat("%.1fms/step", seconds * 1e3);
  return absl::StrFormat("%.1fs/step", seconds);
}

std::string ProgressLine(const ProgressState &state, int width) {
  const std::string head = absl::StrFormat("Epoch %d/%d", state.epoch, state.epochs);
  const std::string count = absl::StrFormat(" %d/%d", state.batch, state.batches);
  const std::string time =
      absl::StrCat(" ", FormatDuration(state.remaining >= 0 ? state.remaining : state.seconds));
  const std::string rate =
      state.seconds_per_step > 0 ? absl::StrCat(" ", FormatPerStep(state.seconds_per_step)) : "";
  const std::string full = MeasureList(state.measures);
  const std::string paired = PairedList(state.measures);
  std::vector<std::string> candidates;
  for (int length : {20, 10, 5}) {
    candidates.push_back(absl::StrCat(head, " ", Bar(state, length), count, time, rate, full));
  }
  candidates.push_back(absl::StrCat(head, " ", Bar(state, 5), count, time, rate, paired));
  candidates.push_back(absl::StrCat(head, " ", Bar(state, 5), count, time, paired));
  candidates.push_back(absl::StrCat(head, count, time, paired));
  candidates.push_back(absl::StrCat(head, time, paired));
  candidates.push_back(absl::StrCat(head, paired));
  for (const std::string &candidate : candidates) {
    if (DisplayWidth(candidate) < width) return candidate;
  }
  return Cut(candidates.back(), width - 1);
}

std::string PlainLine(const ProgressState &state) {
  std::string line = absl::StrFormat("Epoch %d/%d - %d/%d - %s", state.epoch, state.epochs,
                                     state.batch, state.batches, FormatDuration(state.seconds));
  if (state.seconds_per_step > 0) {
    absl::StrAppend(&line, " - ", FormatPerStep(state.seconds_per_step));
  }
  return line + MeasureList(state.measures);
}

absl::Status Progress::OnBatchEnd(const BatchEvent &event, Trainer &trainer) {
  if (width_ <= 0) return absl::OkStatus();
  if (shown_epoch_ == event.epoch && event.seconds - shown_at_ < kSecondsBetweenUpdates) {
    return absl::OkStatus();
  }
  shown_epoch_ = event.epoch;
  shown_at_ = event.seconds;
  write_(kClearLine + ProgressLine(StateOf(event), width_));
  line_open_ = true;
  return absl::OkStatus();
}

absl::Status Progress::OnEpochEnd(const EpochEvent &event, Trainer &trainer) {
  ProgressState state;
  state.epoch = event.epoch;
  state.epochs = event.epochs;
  state.batch = state.batches = event.batches;
  state.seconds = event.seconds;
  if (event.timed_batches > 0) {
    state.seconds_per_step = event.train_seconds / static_cast<double>(event.timed_batches);
  }
  state.measures = *event.measures;
  if (width_ > 0) {
    write_(kClearLine + ProgressLine(state, width_) + "\n");
  } else {
    write_(PlainLine(state) + "\n");
  }
  line_open_ = false;
  return absl::OkStatus();
}

void Progress::Say(const std::string &sentence) {
  write_((line_open_ ? kClearLine : "") + sentence + "\n");
  line_open_ = false;
}

void Progress::EndLine() {
  if (line_open_) write_("\n");
  line_open_ = false;
}

}  // namespace graven::train
