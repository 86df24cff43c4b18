#include "tools/graven-compile/flags.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace graven::tools {
namespace {

namespace fs = std::filesystem;

constexpr char kHelp[] = R"(Usage: graven-compile MODEL.mlir [-o FILE] [flags]

Compiles a model text ahead of time: training step, evaluation and prediction
become machine code with a static memory plan, in one file.

  graven-compile iris.mlir                        # makes iris.so
  graven-run fit iris.so --train iris.csv         # trains it

  graven-compile iris.mlir -o iris.a              # makes iris.a and iris.h
  cc main.c iris.a -lm -lpthread                  # a program that trains

Output
  -o FILE                  where the artifact goes; its ending says what it is:
                           .so (loaded by graven-run or graven_model_open), .o,
                           .a (with a C header beside it), .ll, .s; '-' means
                           standard output
  --emit KIND              shared, object, static, llvm, asm or plan, whatever
                           the ending
  --compile-to PHASE       stop after a phase and print the IR there

Machine
  --target TRIPLE          machine to compile for: x86_64-linux-gnu,
                           aarch64-linux-gnu, riscv64-linux-gnu
                           (default: this machine's kind)
  --cpu NAME               oldest CPU that shall run the artifact; 'native' is
                           this machine's (default: x86-64-v3, or generic)
  --device NAME            what runs the kernels, see below; auto is a GPU if
                           this machine has one, else cpu (default: cpu)
  --device-code NAME[,...] machine code to carry beside what every device of the
                           kind takes: sm_80,sm_90 for cuda, made by ptxas
                           (default: none; the driver compiles when it loads)
  --numerics NAME          fast (default: f32 roots within 1.1 units in the
                           last place) or strict (roots correctly rounded)
  --matmul NAME            products of f32 matrices: f32 (default: operands as
                           they are) or tf32 (GPUs round them to 11 bits and use
                           tensor cores; not with --numerics strict)
  --strategy KIND:NAME     kernels of a kind (map, row, contraction...) get the
                           strategy of this name where it can compute them, as
                           row:reference; may be given several times

Model
  --batch N[,N...]         batch sizes to compile for (default: the one in the
                           model's fit line, else 32); any smaller number of
                           rows runs on each
  --entries NAME[,NAME...] entry points to keep (default: all)
  --weights FILE           make the trained state in this safetensors file (as
                           fit saved it) constants of the artifact; goes with
                           --entries=predict and others that change no state

Looking inside
  --report FILE            write a page (HTML) that shows what became of the
                           model: graph and gradient, kernels and why they end,
                           memory, estimated cost
  --report-profile FILE    show measured times of kernels in it too: what
                           graven-run bench --profile --json printed
  --dump-after-each FOLDER write the IR after each phase to FOLDER
  --stats text|json        print seconds of each phase and sizes in bytes
  --help                   this page
  --version                the version

)";

struct Kind {
  const char *name;       // of --emit
  const char *extension;  // of -o
  Output output;
};
constexpr Kind kKinds[] = {{"shared", ".so", Output::kShared}, {"object", ".o", Output::kObject},
                           {"static", ".a", Output::kArchive}, {"llvm", ".ll", Output::kLlvm},
                           {"asm", ".s", Output::kAssembly},   {"plan", ".mlir", Output::kIr}};
const std::vector<std::string> kFlags = {"-o",           "--output",         "--emit",
                                         "--compile-to", "--target",         "--cpu",
                                         "--device",     "--device-code",    "--batch",
                                         "--entries",    "--stats",          "--help",
                                         "-h",           "--version",        "--dump-after-each",
                                         "--report",     "--report-profile", "--numerics",
                                         "--matmul",     "--weights",        "--strategy"};

// Number of single-letter edits between two words.
size_t editDistance(const std::string &a, const std::string &b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

std::string didYouMean(const std::string &word, const std::vector<std::string> &known) {
  std::string best;
  size_t distance = word.size() / 3 + 2;
  for (const std::string &each : known)
    if (size_t edits = editDistance(word, each); edits < distance) {
      distance = edits;
      best = each;
    }
  return best.empty() ? "" : absl::StrCat("; did you mean '", best, "'?");
}

std::string kindNames() {
  return absl::StrJoin(kKinds, ", ",
                       [](std::string *out, const Kind &kind) { absl::StrAppend(out, kind.name); });
}

// The first word that looks like a flag and is none; "" when all are known.
std::string unknownFlag(int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--") return "";
    if (word.size() < 2 || word[0] != '-') continue;
    std::string flag = word.substr(0, word.find('='));
    if (word[1] != '-') flag = flag.substr(0, 2);
    if (std::find(std::begin(kFlags), std::end(kFlags), flag) == std::end(kFlags)) return flag;
  }
  return "";
}

absl::StatusOr<std::vector<int64_t>> parseBatches(const std::string &text) {
  std::vector<int64_t> batches;
  const std::vector<std::string> words = absl::StrSplit(text, ',', absl::SkipEmpty());
  for (const std::string &each : words) {
    int64_t batch = 0;
    if (!absl::SimpleAtoi(each, &batch) || batch < 1)
      return absl::InvalidArgumentError(
          absl::StrCat("--batch: '", each,
                       "' is no batch size; expected whole numbers from 1 on, such as 1,64"));
    if (std::find(batches.begin(), batches.end(), batch) == batches.end()) batches.push_back(batch);
  }
  return batches;
}

// Decides what is made and where it goes from -o, --emit and --compile-to.
absl::Status chooseOutput(const std::string &emit, CompileFlags *flags) {
  CompileOptions &options = flags->options;
  const Kind *kind = &kKinds[0];
  if (!options.compile_to.empty()) {
    if (!emit.empty())
      return absl::InvalidArgumentError(
          "--emit and --compile-to say two different things; give one of them");
    // The last two phases make bytes, not IR.
    if (options.compile_to == "codegen")
      kind = &kKinds[3];
    else if (options.compile_to != "package")
      kind = &kKinds[5];
  } else if (!emit.empty()) {
    kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                        [&](const Kind &each) { return emit == each.name; });
    if (kind == std::end(kKinds)) {
      std::vector<std::string> names;
      for (const Kind &each : kKinds) names.push_back(each.name);
      return absl::InvalidArgumentError(absl::StrCat("--emit: unknown kind '", emit,
                                                     "'; expected one of ", kindNames(),
                                                     didYouMean(emit, names)));
    }
  } else if (!flags->output.empty() && flags->output != "-") {
    std::string extension = fs::path(flags->output).extension();
    kind = std::find_if(std::begin(kKinds), std::end(kKinds),
                        [&](const Kind &each) { return extension == each.extension; });
    if (kind == std::end(kKinds))
      return absl::InvalidArgumentError(
          absl::StrCat("-o: the ending of '", flags->output,
                       "' does not say what to make; expected .so, .o, .a, .ll, .s or .mlir, or "
                       "the flag --emit"));
  }
  options.output = kind->output;
  if (options.output == Output::kIr && options.compile_to.empty()) options.compile_to = "schedule";

  bool text = options.output == Output::kIr || options.output == Output::kLlvm ||
              options.output == Output::kAssembly;
  if (flags->output.empty()) {
    if (text || flags->input == "-")
      flags->output = text ? "-" : absl::StrCat("model", kind->extension);
    else
      flags->output = fs::path(flags->input).filename().replace_extension(kind->extension);
  }
  if (options.output == Output::kArchive) {
    if (flags->output == "-")
      return absl::InvalidArgumentError(
          "a static artifact is two files, archive and header; give -o a file name");
    flags->header = fs::path(flags->output).replace_extension(".h");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CompileFlags> parseFlags(int argc, char **argv) {
  CompileFlags flags;
  std::string emit, batches, entries, device_code, numerics = "fast", matmul = "f32";
  CLI::App app("", "graven-compile");
  app.set_help_flag();
  app.add_option("model", flags.input);
  app.add_option("-o,--output", flags.output);
  app.add_option("--emit", emit);
  app.add_option("--compile-to", flags.options.compile_to);
  app.add_option("--target", flags.options.target);
  app.add_option("--cpu", flags.options.cpu);
  app.add_option("--device", flags.options.device);
  app.add_option("--device-code", device_code);
  app.add_option("--numerics", numerics);
  app.add_option("--matmul", matmul);
  app.add_option("--strategy", flags.options.strategies)->allow_extra_args(false);
  app.add_option("--batch", batches);
  app.add_option("--entries", entries);
  app.add_option("--weights", flags.weights);
  app.add_option("--dump-after-each", flags.dump_folder);
  app.add_option("--report", flags.report);
  app.add_option("--report-profile", flags.profile);
  app.add_option("--stats", flags.statistics);
  app.add_flag("-h,--help", flags.help);
  app.add_flag("--version", flags.version);

  if (std::string flag = unknownFlag(argc, argv); !flag.empty())
    return absl::InvalidArgumentError(absl::StrCat("there is no flag '", flag, "'",
                                                   didYouMean(flag, kFlags),
                                                   "; see 'graven-compile --help'"));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    return absl::InvalidArgumentError(absl::StrCat(error.what(), "; see 'graven-compile --help'"));
  }
  if (flags.help || flags.version) return flags;
  if (flags.input.empty())
    return absl::InvalidArgumentError(
        "no model given; expected a file such as iris.mlir; see 'graven-compile --help'");
  if (!flags.statistics.empty() && flags.statistics != "json" && flags.statistics != "text")
    return absl::InvalidArgumentError(
        absl::StrCat("--stats: expected text or json, got '", flags.statistics, "'"));

  if (numerics != "fast" && numerics != "strict")
    return absl::InvalidArgumentError(
        absl::StrCat("--numerics: expected fast or strict, got '", numerics, "'"));
  if (numerics == "strict") flags.options.numerics = Numerics::kStrict;
  if (matmul != "f32" && matmul != "tf32")
    return absl::InvalidArgumentError(
        absl::StrCat("--matmul: expected f32 or tf32, got '", matmul, "'"));
  if (matmul == "tf32") flags.options.matmul = Matmul::kTf32;
  flags.options.report = !flags.report.empty();
  if (!flags.profile.empty() && !flags.options.report)
    return absl::InvalidArgumentError("--report-profile: expected --report FILE beside it");

  auto sizes = parseBatches(batches);
  if (!sizes.ok()) return sizes.status();
  flags.options.batches = *sizes;
  flags.options.entries = absl::StrSplit(entries, ',', absl::SkipEmpty());
  flags.options.device_code = absl::StrSplit(device_code, ',', absl::SkipEmpty());
  flags.options.file_name = flags.input == "-" ? "<stdin>" : flags.input;
  if (absl::Status status = chooseOutput(emit, &flags); !status.ok()) return status;
  if (flags.options.report && flags.options.output == Output::kIr &&
      flags.options.compile_to != "schedule")
    return absl::InvalidArgumentError(absl::StrCat(
        "--report shows kernels and memory, which are not known yet after the phase '",
        flags.options.compile_to, "'; leave out --compile-to, or stop after schedule"));
  if (flags.report == "-" || (flags.options.report && flags.report == flags.output))
    return absl::InvalidArgumentError("--report: expected a file name of its own");
  return flags;
}

namespace {

// A titled list of names with a sentence each, broken into lines.
void appendList(const char *title, const std::vector<std::pair<std::string, std::string>> &list,
                std::string *page) {
  absl::StrAppend(page, title, "\n");
  for (const auto &[name, sentence] : list) {
    std::string line = absl::StrCat("  ", name);
    line.resize(std::max<size_t>(line.size() + 1, 17), ' ');
    size_t column = line.size();
    const std::vector<std::string> words = absl::StrSplit(sentence, ' ');
    for (const std::string &word : words) {
      if (column + word.size() > 79) {
        line.back() = '\n';
        line += std::string(17, ' ');
        column = 17;
      }
      absl::StrAppend(&line, word, " ");
      column += word.size() + 1;
    }
    line.pop_back();
    absl::StrAppend(page, line, "\n");
  }
}

}  // namespace

std::string helpPage() {
  std::string page = kHelp;
  appendList("Devices", compilerDevices(), &page);
  page += "\n";
  appendList("Phases", compilerPhases(), &page);
  return page;
}

}  // namespace graven::tools
