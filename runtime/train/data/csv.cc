#include "runtime/train/data/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "runtime/train/report/spelling.h"
#include "runtime/train/status_macros.h"

namespace graven::train {
namespace {

std::string Strip(const std::string &text) { return std::string(absl::StripAsciiWhitespace(text)); }

// Reads the fields of one record after another; a quoted field may hold commas, line ends and
// doubled quotes.
class RecordReader {
 public:
  RecordReader(const std::string &path, const std::string &text) : path_(path), text_(text) {
    if (text_.compare(0, 3, "\xEF\xBB\xBF") == 0) at_ = 3;  // byte-order mark
  }

  bool done() const { return at_ >= text_.size(); }
  // Line at which the record read last begins, from 1.
  int64_t line() const { return record_line_; }

  // Reads one record into `fields`; a blank line gives no fields.
  absl::Status Next(std::vector<std::string> *fields) {
    fields->clear();
    record_line_ = line_;
    bool blank = true;
    while (true) {
      std::string field;
      size_t start = at_;
      if (at_ < text_.size() && text_[at_] == '"') {
        GRAVEN_RETURN_IF_ERROR(Quoted(fields->size() + 1, &field));
      } else {
        while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n') ++at_;
        field = Strip(text_.substr(start, at_ - start));
      }
      if (at_ > start && !(field.empty() && text_[start] != '"')) blank = false;
      fields->push_back(std::move(field));
      if (at_ >= text_.size()) break;
      if (text_[at_++] == '\n') {
        ++line_;
        break;
      }
      blank = false;  // a comma
    }
    if (blank && fields->size() == 1) fields->clear();
    return absl::OkStatus();
  }

 private:
  absl::Status Quoted(size_t column, std::string *field) {
    int64_t opened = line_;
    ++at_;
    while (true) {
      if (at_ >= text_.size()) {
        return absl::InvalidArgumentError(
            absl::StrFormat("%s:%d:%d: a quoted field is never closed; add the missing '\"'", path_,
                            opened, column));
      }
      char c = text_[at_++];
      if (c == '\n') ++line_;
      if (c != '"') {
        field->push_back(c);
      } else if (at_ < text_.size() && text_[at_] == '"') {
        field->push_back('"');
        ++at_;
      } else {
        break;
      }
    }
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n') {
      if (!absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) {
        return absl::InvalidArgumentError(absl::StrFormat(
            "%s:%d:%d: text after a closing quote; write '\"\"' for a quote inside a quoted field",
            path_, line_, column));
      }
      ++at_;
    }
    return absl::OkStatus();
  }

  const std::string &path_;
  const std::string &text_;
  size_t at_ = 0;
  int64_t line_ = 1;
  int64_t record_line_ = 1;
};

// Whether all of `text` is one number; from_chars takes no leading '+'.
bool ParseNumber(const std::string &text, double *value) {
  const char *first = text.data();
  const char *last = first + text.size();
  if (first != last && *first == '+') ++first;
  if (first == last || (*first == '-' && first != text.data())) return false;
  auto [end, error] = std::from_chars(first, last, *value);
  return end == last && error == std::errc();
}

// A cell for a message: long ones are cut.
std::string Shown(const std::string &cell) {
  return cell.size() <= 40 ? cell : cell.substr(0, 37) + "...";
}

struct Columns {
  std::vector<size_t> features;
  size_t label = 0;
  bool has_label = false;
};

absl::StatusOr<size_t> FindColumn(const std::string &path, const std::vector<std::string> &header,
                                  const std::string &name, const char *what) {
  auto found = std::find(header.begin(), header.end(), name);
  if (found != header.end()) return static_cast<size_t>(found - header.begin());
  return absl::NotFoundError(
      absl::StrFormat("%s:1: there is no column '%s' (%s)%s; the columns are %s", path, name, what,
                      DidYouMean(name, header), absl::StrJoin(header, ", ")));
}

absl::StatusOr<Columns> ChooseColumns(const std::string &path,
                                      const std::vector<std::string> &header,
                                      const CsvRequest &request) {
  Columns columns;
  bool label_known = !request.label.empty();
  if (request.want_labels) {
    columns.has_label = true;
    columns.label = header.size() - 1;
    if (label_known) {
      GRAVEN_ASSIGN_OR_RETURN(columns.label, FindColumn(path, header, request.label, "the label"));
    }
  }
  if (!request.features.empty()) {
    for (const std::string &name : request.features) {
      GRAVEN_ASSIGN_OR_RETURN(size_t index,
                              FindColumn(path, header, name, "a feature the model was trained on"));
      columns.features.push_back(index);
    }
    return columns;
  }
  size_t skip = header.size();
  if (columns.has_label) {
    skip = columns.label;
  } else if (label_known) {
    skip = static_cast<size_t>(std::find(header.begin(), header.end(), request.label) -
                               header.begin());
  } else if (request.feature_count > 0 &&
             header.size() == static_cast<size_t>(request.feature_count) + 1) {
    skip = header.size() - 1;
  }
  for (size_t i = 0; i < header.size(); ++i) {
    if (i != skip) columns.features.push_back(i);
  }
  if (request.feature_count > 0 &&
      columns.features.size() != static_cast<size_t>(request.feature_count)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s:1: the model takes %d features per row, got %d: %s; remove the columns it does not "
        "know",
        path, request.feature_count, columns.features.size(),
        absl::StrJoin(columns.features, ", ",
                      [&](std::string *out, size_t i) { out->append(header[i]); })));
  }
  return columns;
}

}  // namespace

absl::StatusOr<CsvData> ParseCsv(const std::string &path, const std::string &text,
                                 const CsvRequest &request) {
  if (text.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(
        path +
        ": holds NUL bytes: no CSV text, and no IDX, npy or npz file that can be recognized");
  }
  RecordReader reader(path, text);
  std::vector<std::string> header;
  while (!reader.done() && header.empty()) GRAVEN_RETURN_IF_ERROR(reader.Next(&header));
  if (header.empty()) {
    return absl::InvalidArgumentError(path + ": is empty; expected a header line and rows");
  }
  double number = 0;
  if (std::all_of(header.begin(), header.end(),
                  [&](const std::string &name) { return ParseNumber(name, &number); })) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "%s:%d: the first line holds numbers; expected a header with the columns' names: add one",
        path, reader.line()));
  }
  for (size_t i = 0; i < header.size(); ++i) {
    if (std::find(header.begin(), header.begin() + i, header[i]) != header.begin() + i) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s:%d:%d: the column name '%s' appears twice; rename one", path,
                          reader.line(), i + 1, Shown(header[i])));
    }
  }

  CsvData data;
  GRAVEN_ASSIGN_OR_RETURN(Columns columns, ChooseColumns(path, header, request));
  for (size_t index : columns.features) data.feature_columns.push_back(header[index]);
  if (columns.has_label) {
    data.label_column = header[columns.label];
    data.label_position = static_cast<int64_t>(columns.label) + 1;
  }

  std::vector<std::string> fields;
  while (!reader.done()) {
    GRAVEN_RETURN_IF_ERROR(reader.Next(&fields));
    if (fields.empty()) continue;
    if (fields.size() != header.size()) {
      return absl::InvalidArgumentError(
          absl::StrFormat("%s:%d: this line has %d cells, the header has %d columns; every line "
                          "needs the same number",
                          path, reader.line(), fields.size(), header.size()));
    }
    for (size_t index : columns.features) {
      const std::string &cell = fields[index];
      std::string place = absl::StrFormat("%s:%d:%d", path, reader.line(), index + 1);
      if (cell.empty()) {
        return absl::InvalidArgumentError(absl::StrFormat(
            "%s: column '%s' is empty; expected a number: fill it in or remove the line", place,
            header[index]));
      }
      double value = 0;
      if (!ParseNumber(cell, &value)) {
        return absl::InvalidArgumentError(absl::StrFormat(
            "%s: column '%s' holds '%s'; expected a number", place, header[index], Shown(cell)));
      }
      if (!std::isfinite(value)) {
        return absl::InvalidArgumentError(absl::StrFormat(
            "%s: column '%s' holds %s; a model cannot learn from it: replace it or remove the line",
            place, header[index], Shown(cell)));
      }
      data.features.push_back(value);
    }
    if (columns.has_label) {
      if (fields[columns.label].empty()) {
        return absl::InvalidArgumentError(absl::StrFormat("%s:%d:%d: the label '%s' is empty", path,
                                                          reader.line(), columns.label + 1,
                                                          data.label_column));
      }
      data.labels.push_back(fields[columns.label]);
    }
    data.lines.push_back(reader.line());
    ++data.rows;
  }
  if (data.rows == 0) {
    return absl::InvalidArgumentError(path + ": has a header but no rows");
  }
  return data;
}

}  // namespace graven::train
