#include "tools/graven-run/help.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "runtime/train/report/spelling.h"

namespace graven::tools {
namespace {

constexpr size_t kColumns = 80;
constexpr size_t kNames = 27;

std::string Wrap(const std::string &text, size_t columns) {
  std::string wrapped;
  size_t used = 0;
  std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  for (const std::string &word : words) {
    if (used > 0 && used + 1 + word.size() > columns) {
      wrapped += "\n";
      used = 0;
    } else if (used > 0) {
      wrapped += " ";
      ++used;
    }
    wrapped += word;
    used += word.size();
  }
  return wrapped;
}

// The flags of `app` as the user types them: "--epochs", "-o".
std::vector<std::string> Flags(const CLI::App &app) {
  std::vector<std::string> flags;
  for (const CLI::Option *option : app.get_options({})) {
    for (const std::string &name : option->get_lnames()) flags.push_back("--" + name);
    for (const std::string &name : option->get_snames()) flags.push_back("-" + name);
  }
  return flags;
}

}  // namespace

HelpFormatter::HelpFormatter() { column_width(kNames); }

std::string HelpFormatter::make_option_opts(const CLI::Option *option) const {
  if (option->get_positional()) return "";
  std::string text = option->get_option_text();
  std::string type = option->get_type_name();
  if (!text.empty()) return " " + text;
  return type.empty() || option->get_type_size() == 0 ? "" : " " + type;
}

std::string HelpFormatter::make_option_desc(const CLI::Option *option) const {
  std::string text = option->get_description();
  if (option->get_required() && !option->get_positional()) text += " (required)";
  return Wrap(text, kColumns - kNames - 1);
}

std::string HelpFormatter::make_usage(const CLI::App *app, std::string name) const {
  std::vector<std::string> words = {"Usage: " + name};
  if (!app->get_subcommands([](const CLI::App *) { return true; }).empty()) {
    words.push_back("COMMAND [flags]");
  } else {
    for (const CLI::Option *option : app->get_options({})) {
      if (option->get_positional()) words.push_back(option->get_name());
    }
    for (const CLI::Option *option : app->get_options({})) {
      if (option->get_positional() || !option->get_required()) continue;
      std::string flag =
          option->get_snames().empty() ? option->get_name() : "-" + option->get_snames()[0];
      words.push_back(flag + make_option_opts(option));
    }
    words.push_back("[flags]");
  }
  // A flag and its value stay on one line.
  std::string usage;
  size_t used = 0;
  for (const std::string &word : words) {
    if (used > 0 && used + 1 + word.size() > kColumns) {
      usage += "\n      ";
      used = 6;
    }
    absl::StrAppend(&usage, used > 0 ? " " : "", word);
    used += word.size() + 1;
  }
  return usage + "\n";
}

std::string HelpFormatter::make_subcommand(const CLI::App *sub) const {
  // The list shows the first sentence only.
  std::string text = sub->get_description();
  text = text.substr(0, text.find('\n'));
  return absl::StrFormat("  %-12s%s\n", sub->get_name(), text);
}

std::string FindUnknown(const CLI::App &app, const std::vector<std::string> &words) {
  const CLI::App *command = nullptr;
  std::vector<std::string> names;
  for (const CLI::App *sub : app.get_subcommands([](const CLI::App *) { return true; })) {
    names.push_back(sub->get_name());
    if (!words.empty() && sub->get_name() == words[0]) command = sub;
  }
  if (words.empty()) return "";
  if (command == nullptr) {
    std::vector<std::string> known = Flags(app);
    bool flag = absl::StartsWith(words[0], "-");
    if (flag && std::find(known.begin(), known.end(), words[0]) != known.end()) return "";
    if (flag) {
      return absl::StrFormat("there is no flag '%s'%s", words[0],
                             train::DidYouMean(words[0], known));
    }
    return absl::StrFormat("there is no command '%s'%s; the commands are %s", words[0],
                           train::DidYouMean(words[0], names), absl::StrJoin(names, ", "));
  }
  std::vector<std::string> known = Flags(*command);
  for (size_t i = 1; i < words.size(); ++i) {
    if (!absl::StartsWith(words[i], "--") || words[i] == "--") continue;
    std::string flag = words[i].substr(0, words[i].find('='));
    if (std::find(known.begin(), known.end(), flag) != known.end()) continue;
    return absl::StrFormat("'%s' has no flag '%s'%s; see 'graven-run %s --help'", words[0], flag,
                           train::DidYouMean(flag, known), words[0]);
  }
  return "";
}

}  // namespace graven::tools
