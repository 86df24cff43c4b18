#include "runtime/train/report/curves.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace graven::train {
namespace {

constexpr double kPanelWidth = 460, kPanelHeight = 320;
constexpr double kLeft = 64, kRight = 20, kTop = 56, kBottom = 48;
constexpr double kHeader = 52;
constexpr char kTrainColor[] = "#2563eb", kValidationColor[] = "#ea580c";

std::string Escape(const std::string &text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

// A step of 1, 2 or 5 times a power of ten that divides `span` into at most `most` parts.
double NiceStep(double span, int most) {
  double power = std::pow(10.0, std::floor(std::log10(span / most)));
  for (double factor : {1.0, 2.0, 5.0, 10.0}) {
    if (span / (factor * power) <= most) return factor * power;
  }
  return 10.0 * power;
}

// Maps values to [0, 1] along an axis, linear or logarithmic.
struct Axis {
  double lo = 0, hi = 1;
  bool logarithmic = false;
  std::vector<double> ticks;

  double At(double value) const {
    if (logarithmic)
      return (std::log10(value) - std::log10(lo)) / (std::log10(hi) - std::log10(lo));
    return (value - lo) / (hi - lo);
  }
};

Axis ValueAxis(double lo, double hi) {
  Axis axis;
  axis.logarithmic = lo > 0 && hi / lo > 100;
  if (axis.logarithmic) {
    axis.lo = std::pow(10.0, std::floor(std::log10(lo)));
    axis.hi = std::pow(10.0, std::ceil(std::log10(hi)));
    for (double tick = axis.lo; tick <= axis.hi * 1.001; tick *= 10) axis.ticks.push_back(tick);
    return axis;
  }
  if (hi - lo < 1e-12 * std::max(std::fabs(lo), 1e-6)) {
    double margin = std::max(std::fabs(lo) * 0.1, 1e-6);
    lo -= margin;
    hi += margin;
  }
  double step = NiceStep(hi - lo, 5);
  axis.lo = std::floor(lo / step) * step;
  axis.hi = std::ceil(hi / step) * step;
  auto count = static_cast<int>(std::lround((axis.hi - axis.lo) / step));
  for (int i = 0; i <= count; ++i) axis.ticks.push_back(axis.lo + i * step);
  return axis;
}

Axis EpochAxis(size_t epochs) {
  Axis axis;
  axis.lo = 1;
  axis.hi = static_cast<double>(std::max<size_t>(epochs, 2));
  double step = std::max(1.0, NiceStep(axis.hi - 1, 6));
  axis.ticks.push_back(1);
  for (double tick = step; tick <= axis.hi; tick += step) {
    if (tick > 1) axis.ticks.push_back(tick);
  }
  return axis;
}

struct Series {
  const char *label;
  const char *color;
  const std::vector<double> *values;
};

class Panel {
 public:
  Panel(std::string measure, std::vector<Series> series, double x, double y, int64_t best_epoch)
      : measure_(std::move(measure)), series_(std::move(series)), best_epoch_(best_epoch) {
    left_ = x + kLeft;
    top_ = y + kTop;
    width_ = kPanelWidth - kLeft - kRight;
    height_ = kPanelHeight - kTop - kBottom;
  }

  std::string Svg() {
    double lo = HUGE_VAL, hi = -HUGE_VAL;
    size_t epochs = 0;
    for (const Series &series : series_) {
      epochs = std::max(epochs, series.values->size());
      for (double value : *series.values) {
        if (!std::isfinite(value)) continue;
        lo = std::min(lo, value);
        hi = std::max(hi, value);
      }
    }
    if (lo > hi) lo = hi = 0;
    value_axis_ = ValueAxis(lo, hi);
    epoch_axis_ = EpochAxis(epochs);
    std::string svg;
    Frame(&svg);
    Best(&svg);
    for (const Series &series : series_) Curve(series, &svg);
    Legend(&svg);
    return svg;
  }

 private:
  double X(double epoch) const { return left_ + epoch_axis_.At(epoch) * width_; }
  double Y(double value) const { return top_ + (1 - value_axis_.At(value)) * height_; }

  void Frame(std::string *svg) const {
    absl::StrAppendFormat(svg, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", left_,
                          top_ - 18, Escape(measure_));
    for (double tick : value_axis_.ticks) {
      // Rounding leaves -0 or 1e-17 where zero is meant.
      double shown = std::fabs(tick) < 1e-9 * (value_axis_.hi - value_axis_.lo) ? 0.0 : tick;
      absl::StrAppendFormat(
          svg,
          "<path class=\"grid\" d=\"M%.1f %.1fh%.1f\"/>"
          "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%g</text>\n",
          left_, Y(tick), width_, left_ - 8, Y(tick) + 4, shown);
    }
    for (double tick : epoch_axis_.ticks) {
      absl::StrAppendFormat(
          svg,
          "<path class=\"axis\" d=\"M%.1f %.1fv5\"/>"
          "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%g</text>\n",
          X(tick), top_ + height_, X(tick), top_ + height_ + 19, tick);
    }
    absl::StrAppendFormat(svg, "<path class=\"axis\" d=\"M%.1f %.1fh%.1f\"/>\n", left_,
                          top_ + height_, width_);
    absl::StrAppendFormat(
        svg, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">epoch</text>\n",
        left_ + width_ / 2, top_ + height_ + 38);
  }

  void Best(std::string *svg) const {
    if (best_epoch_ < 1 || static_cast<double>(best_epoch_) > epoch_axis_.hi) return;
    double x = X(static_cast<double>(best_epoch_));
    absl::StrAppendFormat(
        svg, "<path class=\"best\" d=\"M%.1f %.1fv%.1f\"><title>best epoch: %d</title></path>\n", x,
        top_, height_, best_epoch_);
  }

  void Curve(const Series &series, std::string *svg) const {
    std::string path;
    bool pen_down = false;
    for (size_t i = 0; i < series.values->size(); ++i) {
      double value = (*series.values)[i];
      if (!std::isfinite(value)) {
        pen_down = false;
        continue;
      }
      absl::StrAppendFormat(&path, "%c%.1f %.1f", pen_down ? 'L' : 'M',
                            X(static_cast<double>(i + 1)), Y(value));
      pen_down = true;
    }
    if (path.empty()) return;
    absl::StrAppendFormat(svg, "<path class=\"curve\" stroke=\"%s\" d=\"%s\"/>\n", series.color,
                          path);
    double last = series.values->back();
    if (!std::isfinite(last)) return;
    absl::StrAppendFormat(
        svg,
        "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"%s\"><title>%s: %.4g</title></circle>\n",
        X(static_cast<double>(series.values->size())), Y(last), series.color, series.label, last);
  }

  void Legend(std::string *svg) const {
    double x = left_ + width_;
    for (auto series = series_.rbegin(); series != series_.rend(); ++series) {
      // 6.2 units are about the width of a letter at this size.
      double text = 6.2 * static_cast<double>(std::string(series->label).size());
      x -= text;
      absl::StrAppendFormat(svg, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\">%s</text>", x,
                            top_ - 18, series->label);
      absl::StrAppendFormat(svg, "<path class=\"curve\" stroke=\"%s\" d=\"M%.1f %.1fh18\"/>\n",
                            series->color, x - 24, top_ - 22);
      x -= 40;
    }
  }

  std::string measure_;
  std::vector<Series> series_;
  int64_t best_epoch_;
  double left_, top_, width_, height_;
  Axis value_axis_, epoch_axis_;
};

}  // namespace

std::string CurvesSvg(const std::string &title, const History &history, int64_t best_epoch) {
  std::vector<std::pair<std::string, std::vector<Series>>> panels;
  for (const auto &[name, values] : history) {
    bool validation = absl::StartsWith(name, "val_");
    if (validation && history.count(name.substr(4)) > 0) continue;
    std::vector<Series> series = {{validation ? "validation" : "training",
                                   validation ? kValidationColor : kTrainColor, &values}};
    auto other = history.find("val_" + name);
    if (other != history.end()) {
      series.push_back({"validation", kValidationColor, &other->second});
    }
    panels.emplace_back(validation ? name.substr(4) : name, std::move(series));
  }
  // The loss comes first.
  std::stable_partition(panels.begin(), panels.end(),
                        [](const auto &panel) { return panel.first == "loss"; });
  const size_t columns = panels.size() > 1 ? 2 : 1;
  const size_t rows = std::max<size_t>(1, (panels.size() + columns - 1) / columns);
  const double width = kPanelWidth * static_cast<double>(columns);
  const double height = kHeader + kPanelHeight * static_cast<double>(rows);
  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" "
      "height=\"%.0f\" role=\"img\">\n<title>%s</title>\n<style>\n"
      "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:#1f2937}\n"
      ".title{font-size:19px;font-weight:600}\n.name{font-size:14px;font-weight:600}\n"
      ".tick{font-size:12px;fill:#6b7280}\n.grid{stroke:#e5e7eb;fill:none}\n"
      ".axis{stroke:#9ca3af;fill:none}\n.best{stroke:#6b7280;stroke-dasharray:4 4;fill:none}\n"
      ".curve{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}\n</style>\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n"
      "<text class=\"title\" x=\"%.0f\" y=\"36\">%s</text>\n",
      width, height, width, height, Escape(title), kLeft, Escape(title));
  if (best_epoch > 0) {
    absl::StrAppendFormat(&svg,
                          "<text class=\"tick\" x=\"%.0f\" y=\"36\" text-anchor=\"end\">"
                          "dashed: best epoch, %d</text>\n",
                          width - kRight, best_epoch);
  }
  for (size_t i = 0; i < panels.size(); ++i) {
    Panel panel(panels[i].first, panels[i].second, kPanelWidth * static_cast<double>(i % columns),
                kHeader + kPanelHeight * static_cast<double>(i / columns), best_epoch);
    svg += panel.Svg();
  }
  return svg + "</svg>\n";
}

}  // namespace graven::train
