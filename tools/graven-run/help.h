// Help pages that fit 80 columns, and suggestions for misspelt flags.
#ifndef GRAVEN_TOOLS_GRAVEN_RUN_HELP_H_
#define GRAVEN_TOOLS_GRAVEN_RUN_HELP_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace graven::tools {

// Formats options in two columns, descriptions wrapped at 80 columns.
class HelpFormatter : public CLI::Formatter {
 public:
  HelpFormatter();
  std::string make_option_opts(const CLI::Option *option) const override;
  std::string make_option_desc(const CLI::Option *option) const override;
  std::string make_usage(const CLI::App *app, std::string name) const override;
  std::string make_subcommand(const CLI::App *sub) const override;
};

// Looks through the words for a subcommand or a flag that `app` does not know; returns the message,
// with the nearest name that exists, or "" when all are known.
std::string FindUnknown(const CLI::App &app, const std::vector<std::string> &words);

}  // namespace graven::tools

#endif  // GRAVEN_TOOLS_GRAVEN_RUN_HELP_H_
