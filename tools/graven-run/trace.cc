#include "tools/graven-run/trace.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "runtime/train/status_macros.h"
#include "tools/graven-run/profile.h"

namespace graven::tools {
namespace {

using Json = nlohmann::ordered_json;

// A thread claims a launch in several pieces, ever smaller ones; rarely more than these.
constexpr uint64_t kPartsPerThread = 24;
constexpr uint64_t kMostEvents = uint64_t{1} << 20;

const char *Category(const graven_command_record &command) {
  if (command.kind == GRAVEN_COMMAND_COPY) return "copy";
  return command.kind == GRAVEN_COMMAND_FILL ? "fill" : "launch";
}

// Row numbers by thread: the caller's is 0.
std::map<int32_t, int> Rows(const std::vector<graven_trace_event> &events, int32_t caller) {
  std::map<int32_t, int> rows;
  for (const graven_trace_event &event : events) rows[event.thread] = 0;
  int row = 0;
  for (auto &[thread, number] : rows) {
    if (thread != caller) number = ++row;
  }
  return rows;
}

Json Metadata(const char *name, int row, Json args) {
  return {{"ph", "M"}, {"name", name}, {"pid", 1}, {"tid", row}, {"args", std::move(args)}};
}

Json Describe(const train::Model &model, const graven_trace_event &event, uint64_t begin, int row) {
  const graven_table_header &table = model.table();
  const auto *commands = reinterpret_cast<const graven_command_record *>(
      reinterpret_cast<const char *>(&table) + table.commands_offset);
  Json json = {{"ph", "X"},
               {"name", ""},
               {"cat", "call"},
               {"pid", 1},
               {"tid", row},
               {"ts", static_cast<double>(event.begin - begin) / 1e3},
               {"dur", static_cast<double>(event.end - event.begin) / 1e3}};
  if (event.kind == GRAVEN_TRACE_CALL) {
    json["name"] = model.Text(model.entries()[event.number].name);
    json["args"] = {{"batch", model.entries()[event.number].batch}};
    return json;
  }
  const graven_command_record &command = commands[event.number];
  json["name"] = CommandName(model, event.number);
  if (event.kind == GRAVEN_TRACE_PART) {
    json["cat"] = "part";
    json["args"] = {{"lo", event.lo}, {"hi", event.hi}, {"grid", command.grid}};
    return json;
  }
  json["cat"] = Category(command);
  const double nanoseconds = static_cast<double>(std::max<uint64_t>(event.end - event.begin, 1));
  json["args"] = {{"command", event.number},
                  {"grid", command.grid},
                  {"flops", command.flops},
                  {"bytes", command.bytes},
                  {"gflops", static_cast<double>(command.flops) / nanoseconds},
                  {"gbs", static_cast<double>(command.bytes) / nanoseconds}};
  return json;
}

}  // namespace

absl::StatusOr<std::string> TraceCalls(train::Session &session, uint32_t entry, int calls,
                                       const std::function<absl::Status()> &call) {
  const train::Model &model = session.model();
  const uint64_t per_call =
      1 + model.entries()[entry].commands.count *
              (1 + kPartsPerThread * static_cast<uint64_t>(session.threads()));
  std::vector<graven_trace_event> events(
      std::min(kMostEvents, per_call * static_cast<uint64_t>(calls)));
  graven_trace trace = {events.data(), events.size(), 0};
  GRAVEN_RETURN_IF_ERROR(train::ToStatus(graven_context_trace(session.context(), &trace)));
  absl::Status status;
  for (int i = 0; i < calls && status.ok(); ++i) status = call();
  GRAVEN_RETURN_IF_ERROR(train::ToStatus(graven_context_trace(session.context(), nullptr)));
  GRAVEN_RETURN_IF_ERROR(status);
  const uint64_t dropped = trace.count > events.size() ? trace.count - events.size() : 0;
  events.resize(trace.count - dropped);
  // What encloses comes before what it encloses.
  std::stable_sort(events.begin(), events.end(), [](const auto &a, const auto &b) {
    return a.begin != b.begin ? a.begin < b.begin : a.kind < b.kind;
  });

  const auto rows = Rows(events, static_cast<int32_t>(syscall(SYS_gettid)));
  Json list = Json::array();
  const std::string name = absl::StrCat(model.name(), ".", model.Text(model.entries()[entry].name));
  list.push_back(Metadata("process_name", 0, {{"name", name}}));
  for (const auto &[thread, row] : rows) {
    list.push_back(
        Metadata("thread_name", row,
                 {{"name", row == 0 ? std::string("caller") : absl::StrCat("worker ", row)}}));
    list.push_back(Metadata("thread_sort_index", row, {{"sort_index", row}}));
  }
  for (const graven_trace_event &event : events) {
    list.push_back(Describe(model, event, events.front().begin, rows.at(event.thread)));
  }
  // One event a line, for those who read it without a viewer.
  std::string text = "{\"displayTimeUnit\": \"ns\",\n \"otherData\": ";
  absl::StrAppend(&text,
                  Json({{"model", model.name()},
                        {"entry", model.Text(model.entries()[entry].name)},
                        {"batch", model.entries()[entry].batch},
                        {"threads", session.threads()},
                        {"calls", calls},
                        {"dropped", dropped}})
                      .dump(),
                  ",\n \"traceEvents\": [\n");
  for (size_t i = 0; i < list.size(); ++i) {
    absl::StrAppend(&text, "  ", list[i].dump(), i + 1 < list.size() ? ",\n" : "\n");
  }
  absl::StrAppend(&text, "]}\n");
  return text;
}

}  // namespace graven::tools
