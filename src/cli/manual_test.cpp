#include "cli/manual.hpp"

#include <gtest/gtest.h>

#include "support/golden.hpp"

namespace fsrcnn::cli {
namespace {

// A program with one of everything that a manual tells.
struct Program {
  CLI::App app{"Does things; its -exact- meaning is 'quoted'", "tool"};
  std::string input, mode, file;
  bool quiet = false;

  Program() {
    CLI::App* const run = app.add_subcommand("run", "Run [it]: now");
    run->add_option("input", input, "What to run")->required()->type_name("FILE");
    run->add_option("-m,--mode", mode, "How")->type_name("fast|exact");
    run->add_option("--out", file, "Where")->type_name("FILE|-");
    run->add_flag("--quiet", quiet, "Say nothing");
    run->add_option("--secret", mode, "Not told")->group("");
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Manual, PageHasEveryOptionAndNoHiddenOne) {
  const Program program;
  const std::string page = man_page(program.app, "1.2.3");
  EXPECT_TRUE(page.starts_with(".TH TOOL 1 \"\" \"tool 1.2.3\"\n.SH NAME\n"));
  EXPECT_TRUE(has(page, ".SS tool run\nRun [it]: now.\n"));
  EXPECT_TRUE(has(page, ".TP\n\\fIinput\\fR\nWhat to run\n"));
  EXPECT_TRUE(has(page, "\\fB\\-m\\fR, \\fB\\-\\-mode\\fR \\fIfast|exact\\fR\nHow\n"));
  EXPECT_TRUE(has(page, "\\fB\\-\\-quiet\\fR\nSay nothing\n")) << "a flag has no value";
  EXPECT_TRUE(has(page, "its \\-exact\\- meaning"));
  EXPECT_FALSE(has(page, "secret"));
}

TEST(Manual, CompletionsOfferWordsFilesAndNothing) {
  const Program program;
  const std::string bash = completion_script(program.app, "bash"), zsh = completion_script(program.app, "zsh"),
                    fish = completion_script(program.app, "fish");
  EXPECT_TRUE(has(bash, "-m|--mode) COMPREPLY=($(compgen -W 'fast exact' -- \"$word\")); return ;;"));
  EXPECT_TRUE(has(bash, "--out) COMPREPLY=($(compgen -f -- \"$word\")); return ;;"));
  EXPECT_FALSE(has(bash, "--quiet)")) << "takes no value";
  EXPECT_TRUE(has(zsh, "'run:Run \\[it\\]\\: now'"));
  EXPECT_TRUE(has(zsh, "--mode[How]:fast|exact:(fast exact)'"));
  EXPECT_TRUE(has(fish, " -s m -l mode -x -a 'fast exact' -d 'How'\n"));
  EXPECT_TRUE(has(fish, " -l out -r -F -d 'Where'\n"));
  for (const std::string& script : {bash, zsh, fish}) EXPECT_FALSE(has(script, "secret"));
}

TEST(Manual, KnowsThreeShells) {
  const Program program;
  EXPECT_TRUE(test::error_of([&] { completion_script(program.app, "csh"); }).starts_with("2: "));
}

}  // namespace
}  // namespace fsrcnn::cli
