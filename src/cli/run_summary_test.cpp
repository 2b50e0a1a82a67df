#include "cli/run_summary.hpp"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <new>

namespace fsrcnn::cli {
namespace {

using Status = InputSummary::Status;

InputSummary input_of(Status status, ErrorCode code = ErrorCode::input) {
  InputSummary input;
  input.kind = "picture";
  input.input = "in.png";
  input.output = "out.png";
  input.status = status;
  if (status == Status::failed) input.error = Error(code, "it is truncated");
  return input;
}

RunSummary summary_of(std::vector<InputSummary> inputs) {
  RunSummary summary;
  summary.inputs = std::move(inputs);
  return summary;
}

TEST(RunSummary, ExitCodeTellsWhatBecameOfAll) {
  EXPECT_EQ(summary_of({}).exit_code(), 0);
  EXPECT_EQ(summary_of({input_of(Status::done), input_of(Status::skipped)}).exit_code(), 0);
  EXPECT_EQ(summary_of({input_of(Status::damaged)}).exit_code(), 1);
  EXPECT_EQ(summary_of({input_of(Status::failed, ErrorCode::io)}).exit_code(), 5) << "one input: its own code";
  EXPECT_EQ(summary_of({input_of(Status::done), input_of(Status::failed, ErrorCode::io)}).exit_code(), 1);
  RunSummary nothing = summary_of({});
  nothing.error = Error(ErrorCode::model, "no such model");
  EXPECT_EQ(nothing.exit_code(), 4);
  nothing.signal = 15;
  EXPECT_EQ(nothing.exit_code(), 143) << "a signal comes before all else";
}

TEST(RunSummary, JsonHasCountsAndErrors) {
  RunSummary summary = summary_of({input_of(Status::done), input_of(Status::failed), input_of(Status::skipped)});
  summary.cpu = "sse4";
  summary.threads = 3;
  summary.warnings = {"1 file left out"};
  const nlohmann::ordered_json json = to_json(summary);
  EXPECT_EQ(json["exit_code"], 1);
  EXPECT_EQ(json["done"], 1);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["skipped"], 1);
  EXPECT_EQ(json["damaged"], 0);
  EXPECT_EQ(json["cpu"], "sse4");
  EXPECT_EQ(json["threads"], 3);
  EXPECT_EQ(json["warnings"], nlohmann::ordered_json({"1 file left out"}));
  ASSERT_EQ(json["inputs"].size(), 3U);
  EXPECT_EQ(json["inputs"][0]["kind"], "picture");
  EXPECT_FALSE(json["inputs"][1].contains("output_size")) << "there is no output";
  EXPECT_EQ(json["inputs"][1]["error"]["code"], 3);
  EXPECT_EQ(json["inputs"][1]["error"]["message"], "it is truncated");
  EXPECT_FALSE(json["inputs"][0].contains("model")) << "none ran";
}

TEST(RunSummary, EveryExceptionBecomesAnError) {
  EXPECT_FALSE(error_of([] {}, "too large"));
  const auto thrown = error_of([] { throw Error(ErrorCode::limit, "too many"); }, "too large");
  EXPECT_EQ(thrown->code(), ErrorCode::limit);
  const auto memory = error_of([] { throw std::bad_alloc(); }, "too large");
  EXPECT_EQ(memory->code(), ErrorCode::input);
  EXPECT_STREQ(memory->what(), "too large");
  EXPECT_EQ(error_of([] { throw std::runtime_error("?"); }, "")->code(), ErrorCode::io);
}

TEST(RunSummary, FinishEndsTheProgramWithItsCode) {
  EXPECT_NO_THROW(finish(summary_of({input_of(Status::done)}), false));
  try {
    finish(summary_of({input_of(Status::damaged)}), false);
    FAIL() << "it returned";
  } catch (const CLI::RuntimeError& e) {
    EXPECT_EQ(e.get_exit_code(), 1);
  }
}

}  // namespace
}  // namespace fsrcnn::cli
