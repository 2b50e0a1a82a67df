#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/cpu.hpp"
#include "base/thread_pool.hpp"
#include "cli/conv_transpose2d_option.hpp"
#include "cli/engine_option.hpp"
#include "cli/film_option.hpp"
#include "cli/model_option.hpp"
#include "cli/number_check.hpp"
#include "cli/program.hpp"
#include "cli/size_option.hpp"
#include "support/golden.hpp"

// What options make of their values.

namespace fsrcnn::cli {
namespace {

using test::error_of;

// Parses a command line, after `add` has added options. False if it is refused.
template <class Add>
bool parses(const std::string& line, const Add& add) {
  CLI::App app;
  add(app);
  try {
    app.parse(line);
    return true;
  } catch (const CLI::ParseError&) {
    return false;
  }
}

TEST(SizeOption, IsWidthAndHeight) {
  EXPECT_EQ(parse_size("1920x1080"), (std::pair<int64_t, int64_t>(1920, 1080)));
  EXPECT_EQ(parse_size("1x16777216"), (std::pair<int64_t, int64_t>(1, 1 << 24)));
  for (const char* bad : {"", "x", "1920", "1920x", "x1080", "0x1", "1x0", "-1x1", "1x-1", "1x1x1", "1 x1", "1x1 ",
                          "1X1", "1.5x2", "16777217x1", "1x99999999999999999999"}) {
    EXPECT_TRUE(error_of([&] { parse_size(bad); }).starts_with("2: --size is '" + std::string(bad) + "'")) << bad;
  }
}

TEST(SizeOption, TakesOneSideToo) {
  const auto parsed = [](const std::string& text) {
    TargetSize target;
    parse_target_size(text, target);
    return fmt::format("{} {} {}", target.width, target.height, target.longer_side);
  };
  EXPECT_EQ(parsed("1920x1080"), "1920 1080 0");
  EXPECT_EQ(parsed("1920x"), "1920 0 0");
  EXPECT_EQ(parsed("x16777216"), "0 16777216 0");
  EXPECT_EQ(parsed("1920"), "0 0 1920");
  for (const char* bad : {"", "x", "0", "0x", "x0", "-1", "1x1x1", "1x1x", "xx1", "1 x1", "1X1", "1.5", "16777217"}) {
    EXPECT_TRUE(error_of([&] { parsed(bad); }).starts_with("2: --size is '" + std::string(bad) + "'")) << bad;
  }
}

TEST(NumberCheck, TakesWhatIsAboveZero) {
  const CLI::Validator above = positive_number(), or_zero = positive_number(true);
  for (std::string good : {"1", "0.001", "1e300", "3"}) {
    EXPECT_EQ(above(good), "");
    EXPECT_EQ(or_zero(good), "");
  }
  for (std::string bad : {"-1", "", "x", "1x", "nan", "-0.5"}) {
    EXPECT_EQ(above(bad), "'" + bad + "' is not a positive number");
    EXPECT_EQ(or_zero(bad), "'" + bad + "' is not a positive number or 0");
  }
  for (std::string endless : {"inf", "-inf", "1e999"}) {
    EXPECT_NE(above(endless), "");
    EXPECT_NE(or_zero(endless), "");
  }
  std::string zero = "0";
  EXPECT_NE(above(zero), "");
  EXPECT_EQ(or_zero(zero), "");
}

TEST(EngineOption, HelpNamesWhatThisMachineHas) {
  CLI::App app;
  EngineOption option;
  option.add_to(app);
  for (const std::string& cpu : cpu_names()) EXPECT_NE(app.help().find(cpu), std::string::npos) << cpu;
}

TEST(EngineOption, ChecksThreadsAndPrecision) {
  EngineOption option;
  const auto add = [&](CLI::App& app) { option.add_to(app); };
  EXPECT_TRUE(parses("--precision exact --cpu reference", add));
  EXPECT_EQ(option.options.precision, Precision::exact);
  EXPECT_EQ(option.options.cpu, "reference");
  EXPECT_TRUE(parses("--precision fast", add));
  EXPECT_EQ(option.options.precision, Precision::fast);
  for (const char* bad : {"--precision half", "--threads 0", "--threads 1025", "--threads two", "--threads"}) {
    EXPECT_FALSE(parses(bad, add)) << bad;
  }
}

TEST(ModelOption, NamesTheModelThatIsTaken) {
  EXPECT_EQ(ModelOption{}.name(), "fsrcnn-x2");
  EXPECT_EQ((ModelOption{.model = {}, .scale = 4}).name(), "fsrcnn-x4");
  EXPECT_EQ((ModelOption{.model = "a.pth", .scale = 4}).name(), "a.pth");
  ModelOption option;
  const auto add = [&](CLI::App& app) { option.add_scale_to(app); };
  EXPECT_TRUE(parses("--model-scale 3", add));
  EXPECT_EQ(option.scale, 3);
  for (const char* bad : {"1", "5", "2.5", "x"}) EXPECT_FALSE(parses(std::string("--model-scale ") + bad, add)) << bad;
}

TEST(ConvTranspose2dOption, OneValueStandsForBothDirections) {
  ConvTranspose2dOption option;
  const auto add = [&](CLI::App& app) { option.add_to(app, true); };
  EXPECT_TRUE(parses("--weight w.npy --stride 2 --padding 4,3 --groups 5", add));
  const ConvTranspose2dParams params = option.params();
  EXPECT_EQ(params.stride, (Pair{2, 2}));
  EXPECT_EQ(params.padding, (Pair{4, 3}));
  EXPECT_EQ(params.output_padding, (Pair{0, 0}));
  EXPECT_EQ(params.dilation, (Pair{1, 1}));
  EXPECT_EQ(params.groups, 5);
  ConvTranspose2dOption other;
  EXPECT_FALSE(parses("--stride 2", [&](CLI::App& app) { other.add_to(app, true); })) << "--weight is missing";
  EXPECT_FALSE(parses("--stride 1,2,3", [&](CLI::App& app) { other.add_to(app, false); }));
}

TEST(Program, ReturnsItsExitCodes) {
  const auto code_of = [](std::vector<const char*> words) {
    words.insert(words.begin(), "fsrcnn");
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = run(static_cast<int>(words.size()), words.data());
    const std::string out = testing::internal::GetCapturedStdout(), err = testing::internal::GetCapturedStderr();
    EXPECT_FALSE(out.empty() && err.empty()) << "it says something";
    return code;
  };
  EXPECT_EQ(code_of({"--version"}), 0);
  EXPECT_EQ(code_of({"upscale", "--help"}), 0);
  EXPECT_EQ(code_of({}), 2);
  EXPECT_EQ(code_of({"no-such-command"}), 2);
  EXPECT_EQ(code_of({"completion", "csh"}), 2);
  EXPECT_EQ(code_of({"info", "/none/such"}), 4);
}

}  // namespace
}  // namespace fsrcnn::cli
