#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "fsrcnn/fsrcnn.h"
#include "support/in_child.hpp"

// As programs of earlier versions do, which know no later fields.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace fsrcnn {
namespace {

/// A frame of bytes as C programs have it.
class CFrame : public testing::Test {
 protected:
  CFrame() {
    for (size_t i = 0; i < input_.size(); ++i) input_[i] = static_cast<uint8_t>(16 + i * 7 % 219);
    const fsrcnn_options options{nullptr, 2, 0, 0};
    upscaler_ = fsrcnn_upscaler_create("fsrcnn-x2", &options);
    expected_ = upscaled();
  }
  ~CFrame() override { fsrcnn_upscaler_destroy(upscaler_); }

  std::vector<uint8_t> upscaled() {
    EXPECT_EQ(fsrcnn_upscale(upscaler_, &in_, &out_), FSRCNN_OK) << fsrcnn_last_error();
    const std::vector<uint8_t> result = output_;
    std::fill(output_.begin(), output_.end(), uint8_t{0});
    return result;
  }
  std::string message(int code) { return std::to_string(code) + ": " + fsrcnn_last_error(); }

  static constexpr int64_t kWidth = 48, kHeight = 300;
  std::vector<uint8_t> input_ = std::vector<uint8_t>(kWidth * kHeight),
                       output_ = std::vector<uint8_t>(4 * kWidth * kHeight);
  fsrcnn_upscaler* upscaler_ = nullptr;
  fsrcnn_plane in_{input_.data(), kWidth, kHeight, kWidth, FSRCNN_U8, 255, 0};
  fsrcnn_plane out_{output_.data(), 2 * kWidth, 2 * kHeight, 2 * kWidth, FSRCNN_U8, 255, 0};
  std::vector<uint8_t> expected_;
};

TEST_F(CFrame, ReservedFieldsMustBeZero) {
  const auto refused = [&](fsrcnn_plane in, fsrcnn_plane out) { return message(fsrcnn_upscale(upscaler_, &in, &out)); };
  fsrcnn_plane in = in_, out = out_;
  in.reserved[8] = 1;
  EXPECT_EQ(refused(in, out_),
            "2: reserved[8] of 'input' is not 0: zero the whole struct first, or use a newer library");
  out.reserved[0] = 1;
  EXPECT_NE(refused(in_, out).find("reserved[0] of 'output'"), std::string::npos);
  fsrcnn_options options{};
  options.reserved[2] = 1;
  EXPECT_EQ(fsrcnn_upscaler_create("fsrcnn-x2", &options), nullptr);
  EXPECT_NE(std::string(fsrcnn_last_error()).find("reserved[2] of 'options'"), std::string::npos);
  fsrcnn_frame frame{};
  frame.input = &in_;
  frame.output = &out_;
  EXPECT_EQ(fsrcnn_upscale_frame(upscaler_, &frame), FSRCNN_OK) << fsrcnn_last_error();
  EXPECT_EQ(output_, expected_);
  frame.reserved[7] = 1;
  EXPECT_NE(message(fsrcnn_upscale_frame(upscaler_, &frame)).find("reserved[7] of 'frame'"), std::string::npos);
  fsrcnn_rows_options rows{};
  rows.width = rows.height = 8;
  rows.input_format = rows.output_format = in_;
  rows.reserved[0] = 1;
  EXPECT_EQ(fsrcnn_rows_open(upscaler_, &rows), nullptr);
  EXPECT_NE(std::string(fsrcnn_last_error()).find("reserved[0] of 'options'"), std::string::npos);
  rows.reserved[0] = 0;
  rows.output_format.reserved[3] = 1;
  EXPECT_EQ(fsrcnn_rows_open(upscaler_, &rows), nullptr);
  EXPECT_NE(std::string(fsrcnn_last_error()).find("reserved[3] of 'output_format'"), std::string::npos);
  fsrcnn_conv_transpose2d_params params{{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1, {0, 1}};
  const float weight[1] = {1};
  const int64_t shape[4] = {1, 1, 1, 1};
  EXPECT_EQ(fsrcnn_conv_transpose2d_create(weight, shape, nullptr, &params, nullptr), nullptr);
  EXPECT_NE(std::string(fsrcnn_last_error()).find("reserved[1] of 'params'"), std::string::npos);
}

TEST_F(CFrame, OperatorsAreRefusedAtCreation) {
  const float weight[9] = {};
  const int64_t shape[4] = {1, 1, 3, 3};
  const auto refused = [&](const fsrcnn_conv_transpose2d_params& params) {
    EXPECT_EQ(fsrcnn_conv_transpose2d_create(weight, shape, nullptr, &params, nullptr), nullptr);
    return std::string(fsrcnn_last_error());
  };
  EXPECT_EQ(refused({{2, 2}, {0, 0}, {2, 1}, {1, 1}, 1, {}}),
            "conv_transpose2d: output_padding is 2 (height), but must be smaller than stride (2) or dilation (1)");
  EXPECT_EQ(refused({{2, 2}, {0, 0}, {0, 3}, {1, 3}, 1, {}}),
            "conv_transpose2d: output_padding is 3 (width), but must be smaller than stride (2) or dilation (3)");
  EXPECT_EQ(refused({{0, 0}, {0, 0}, {0, 0}, {1, 1}, 1, {}}),
            "conv_transpose2d: stride is (0, 0), but each must be from 1 to 2147483647");
}

// What C programs leave out or get wrong.
TEST_F(CFrame, WrongPlanesAreRefused) {
  const auto refused = [&](fsrcnn_plane in, fsrcnn_plane out) { return message(fsrcnn_upscale(upscaler_, &in, &out)); };
  const auto with = [&](fsrcnn_plane plane, const std::function<void(fsrcnn_plane&)>& change) {
    change(plane);
    return plane;
  };
  for (const float one : {0.0F, -5.0F, 1000.0F, NAN}) {
    EXPECT_NE(refused(with(in_, [&](auto& p) { p.one = one; }), out_).find("2: 'one' of plane 'input'"),
              std::string::npos);
    EXPECT_NE(refused(in_, with(out_, [&](auto& p) { p.one = one; })).find("2: 'one' of plane 'output'"),
              std::string::npos);
  }
  for (const int64_t stride : {int64_t{0}, int64_t{95}, int64_t{-95}, INT64_MAX, INT64_MIN}) {
    EXPECT_NE(refused(in_, with(out_, [&](auto& p) { p.stride_bytes = stride; })).find("2: "), std::string::npos);
  }
  EXPECT_EQ(refused(in_, with(out_, [](auto& p) { p.data = nullptr; })), "2: the data of plane 'output' is null");
  EXPECT_EQ(refused(in_, in_), "2: planes 'input' and 'output' overlap");
  for (const int type : {-1, 3, INT_MAX}) {
    EXPECT_EQ(refused(with(in_, [&](auto& p) { p.type = type; }), out_),
              "2: the type of plane 'input' is " + std::to_string(type) + ", but must be FSRCNN_U8, _U16 or _F32");
  }
  EXPECT_EQ(fsrcnn_upscale(upscaler_, nullptr, &out_), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_upscale(upscaler_, &in_, nullptr), FSRCNN_ERROR_USAGE);
  alignas(8) char floats[400] = {};
  auto* const odd = reinterpret_cast<float*>(floats + 1);
  auto* const good = reinterpret_cast<float*>(floats + 200);
  EXPECT_EQ(fsrcnn_upscale_f32(upscaler_, odd, 2, 2, 8, good, 16), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_upscale_f32(upscaler_, good, 2, 2, 8, good, 16), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_upscale_f32(upscaler_, good, INT64_MAX, 2, 8, odd, 16), FSRCNN_ERROR_LIMIT);
  EXPECT_EQ(fsrcnn_upscale_f32(upscaler_, good, INT64_MIN, 2, 8, odd, 16), FSRCNN_ERROR_INPUT);
  EXPECT_EQ(fsrcnn_upscale_f32(upscaler_, good, 2, 2, 4, odd, 16), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(upscaled(), expected_);
}

TEST_F(CFrame, FramesTellTheirProgressAndAreCancelled) {
  struct Told {
    std::vector<double> shares;
    size_t stop_at = SIZE_MAX;
    fsrcnn_cancel* cancel = nullptr;
  } told;
  fsrcnn_frame frame{};
  frame.input = &in_;
  frame.output = &out_;
  frame.channels = 1;
  frame.user = &told;
  frame.progress = [](void* user, double share) {
    Told& t = *static_cast<Told*>(user);
    t.shares.push_back(share);
    if (t.cancel != nullptr) fsrcnn_cancel_request(t.cancel);
    return t.shares.size() >= t.stop_at ? 1 : 0;
  };
  ASSERT_EQ(fsrcnn_upscale_frame(upscaler_, &frame), FSRCNN_OK) << fsrcnn_last_error();
  EXPECT_EQ(output_, expected_);
  ASSERT_GT(told.shares.size(), 1U);
  EXPECT_TRUE(std::is_sorted(told.shares.begin(), told.shares.end()));
  EXPECT_EQ(told.shares.back(), 1);

  told = {{}, 1};
  EXPECT_EQ(message(fsrcnn_upscale_frame(upscaler_, &frame)), "7: the progress callback cancelled the frame");
  fsrcnn_cancel* const cancel = fsrcnn_cancel_create();
  told = {};
  told.cancel = cancel;
  frame.cancel = cancel;
  EXPECT_EQ(fsrcnn_upscale_frame(upscaler_, &frame), FSRCNN_ERROR_CANCELLED);
  told = {};
  EXPECT_EQ(fsrcnn_upscale_frame(upscaler_, &frame), FSRCNN_ERROR_CANCELLED);  // not yet begun
  EXPECT_TRUE(told.shares.empty());
  EXPECT_EQ(fsrcnn_last_error_code(), FSRCNN_ERROR_CANCELLED);
  fsrcnn_cancel_destroy(cancel);
  frame.channels = 3;
  EXPECT_EQ(message(fsrcnn_upscale_frame(upscaler_, &frame)),
            "2: got 3 channels, but the network has 1; see fsrcnn_upscaler_channels");
  frame.channels = -1;
  EXPECT_EQ(fsrcnn_upscale_frame(upscaler_, &frame), FSRCNN_ERROR_USAGE);
}

TEST_F(CFrame, WhatIsLikeThePreviousFrameIsCopied) {
  std::vector<uint8_t> before = expected_, last_input = input_;
  before[10 * 96 + 10] ^= 1;  // shows whether it was copied
  fsrcnn_plane previous_in = in_, previous_out = out_;
  previous_in.data = last_input.data();
  previous_out.data = before.data();
  fsrcnn_frame frame{};
  frame.input = &in_;
  frame.output = &out_;
  frame.previous_input = &previous_in;
  EXPECT_EQ(message(fsrcnn_upscale_frame(upscaler_, &frame)),
            "3: the previous frame needs both input and output, or neither");
  frame.previous_output = &previous_out;
  ASSERT_EQ(fsrcnn_upscale_frame(upscaler_, &frame), FSRCNN_OK) << fsrcnn_last_error();
  EXPECT_EQ(output_, before);
}

TEST_F(CFrame, RowsGoIntoTheirCallersMemory) {
  fsrcnn_rows_options options{};
  options.width = kWidth;
  options.height = kHeight;
  options.input_format = options.output_format = fsrcnn_plane{nullptr, 0, 0, 0, FSRCNN_U8, 255, 0};
  fsrcnn_rows* const rows = fsrcnn_rows_open(upscaler_, &options);
  ASSERT_NE(rows, nullptr) << fsrcnn_last_error();
  EXPECT_EQ(fsrcnn_rows_push(rows, &in_), FSRCNN_ERROR_USAGE);  // there is no sink
  EXPECT_EQ(fsrcnn_rows_completed_by(rows, -1), -1);
  EXPECT_EQ(fsrcnn_rows_completed_by(rows, kHeight), 2 * kHeight);
  int64_t written = 0;
  for (int64_t y = 0; y < kHeight; ++y) {
    const fsrcnn_plane next{input_.data() + y * kWidth, kWidth, 1, kWidth, FSRCNN_U8, 0, 0};
    fsrcnn_plane out = out_;
    out.data = output_.data() + written * 2 * kWidth;
    out.height = fsrcnn_rows_completed_by(rows, 1);
    ASSERT_EQ(fsrcnn_rows_push_into(rows, &next, out.height == 0 ? nullptr : &out), FSRCNN_OK) << fsrcnn_last_error();
    written += out.height;
  }
  EXPECT_EQ(written, 2 * kHeight);
  EXPECT_EQ(output_, expected_);
  fsrcnn_rows_destroy(rows);
}

TEST_F(CFrame, ASinkThatFailsIsHeardOf) {
  struct Output {
    int64_t rows = 0;
    int calls = 0;
  } output;
  fsrcnn_rows_options options{};
  options.width = kWidth;
  options.height = kHeight;
  options.input_format = options.output_format = fsrcnn_plane{nullptr, 0, 0, 0, FSRCNN_U8, 255, 0};
  options.user = &output;
  options.sink = [](void* user, const fsrcnn_plane* some) {
    Output& o = *static_cast<Output*>(user);
    if (++o.calls == 2) return 28;
    o.rows += some->height;
    return 0;
  };
  fsrcnn_rows* const rows = fsrcnn_rows_open(upscaler_, &options);
  ASSERT_NE(rows, nullptr) << fsrcnn_last_error();
  int failures = 0;
  std::string first;
  for (int64_t y = 0; y < kHeight; ++y) {
    const fsrcnn_plane next{input_.data() + y * kWidth, kWidth, 1, kWidth, FSRCNN_U8, 255, 0};
    if (fsrcnn_rows_push(rows, &next) == FSRCNN_OK) continue;
    if (++failures == 1) first = message(fsrcnn_last_error_code());
  }
  EXPECT_EQ(first, "5: the sink returned 28");
  EXPECT_EQ(failures, kHeight - 63);
  EXPECT_EQ(output.calls, 2);
  EXPECT_EQ(message(fsrcnn_last_error_code()),
            "5: the picture failed after 64 of 300 rows; start again with a new stream: the sink returned 28");
  fsrcnn_rows_destroy(rows);
}

TEST_F(CFrame, HandlesMayBeDestroyedInAnyOrder) {
  fsrcnn_executor* const executor = fsrcnn_executor_create(2);
  EXPECT_EQ(fsrcnn_executor_threads(executor), 2);
  fsrcnn_options options{};
  options.executor = executor;
  fsrcnn_upscaler* const other = fsrcnn_upscaler_create("fsrcnn-x2", &options);
  ASSERT_NE(other, nullptr) << fsrcnn_last_error();
  EXPECT_EQ(fsrcnn_upscaler_threads(other), 2);
  options.threads = 2;
  EXPECT_EQ(fsrcnn_upscaler_create("fsrcnn-x2", &options), nullptr);
  fsrcnn_executor_destroy(executor);
  EXPECT_EQ(fsrcnn_upscale(other, &in_, &out_), FSRCNN_OK);
  EXPECT_EQ(output_, expected_);
  const auto count = [](void* user, const fsrcnn_plane* some) { *static_cast<int64_t*>(user) += some->height; };
  int64_t got = 0;
  fsrcnn_rows* const rows = fsrcnn_rows_create(other, kWidth, kHeight, &in_, &out_, count, &got);
  fsrcnn_upscaler_destroy(other);
  EXPECT_EQ(fsrcnn_rows_push(rows, &in_), FSRCNN_OK);
  EXPECT_EQ(got, 2 * kHeight);
  fsrcnn_rows_destroy(rows);
}

TEST_F(CFrame, ACallbackMayDestroyWhatCallsIt) {
  struct Handles {
    fsrcnn_upscaler* upscaler;
    fsrcnn_rows* rows;
  } handles{};
  const fsrcnn_options two{nullptr, 2, 0, 0};
  handles.upscaler = fsrcnn_upscaler_create("fsrcnn-x2", &two);
  fsrcnn_frame frame{};
  frame.input = &in_;
  frame.output = &out_;
  frame.user = &handles;
  frame.progress = [](void* user, double) {
    fsrcnn_upscaler_destroy(std::exchange(static_cast<Handles*>(user)->upscaler, nullptr));
    return 0;
  };
  EXPECT_EQ(fsrcnn_upscale_frame(handles.upscaler, &frame), FSRCNN_OK) << fsrcnn_last_error();
  EXPECT_EQ(output_, expected_);
  const auto destroy = [](void* user, const fsrcnn_plane*) {
    fsrcnn_rows_destroy(std::exchange(static_cast<Handles*>(user)->rows, nullptr));
  };
  handles.rows = fsrcnn_rows_create(upscaler_, kWidth, kHeight, &in_, &out_, destroy, &handles);
  EXPECT_EQ(fsrcnn_rows_push(handles.rows, &in_), FSRCNN_OK) << fsrcnn_last_error();
}

#if FSRCNN_TESTS_FORK
TEST_F(CFrame, EverythingWorksInAChildMadeByFork) {
  const float weight[4] = {1, 2, 3, 4}, image[64] = {1, 2, 3};
  const int64_t weight_shape[4] = {1, 1, 2, 2}, image_shape[4] = {1, 1, 8, 8};
  const fsrcnn_conv_transpose2d_params params{{2, 2}, {0, 0}, {0, 0}, {1, 1}, 1};
  const fsrcnn_options options{nullptr, 2, 0, 0};
  fsrcnn_conv_transpose2d* const op = fsrcnn_conv_transpose2d_create(weight, weight_shape, nullptr, &params, &options);
  float before[256] = {}, after[256] = {};
  ASSERT_EQ(fsrcnn_conv_transpose2d_run_f32(op, image, image_shape, before), FSRCNN_OK);
  fsrcnn_upscaler* const of_the_process = fsrcnn_upscaler_create("fsrcnn-x2", nullptr);
  // While other threads are in the middle of frames.
  std::atomic<bool> stop{false};
  std::vector<std::thread> load;
  for (int i = 0; i < 2; ++i) {
    load.emplace_back([&] {
      std::vector<uint8_t> own(output_.size());
      fsrcnn_plane out = out_;
      out.data = own.data();
      while (!stop) fsrcnn_upscale(upscaler_, &in_, &out);
    });
  }
  for (int round = 0; round < 20; ++round) {
    const auto child = [&] {
      if (fsrcnn_upscale(upscaler_, &in_, &out_) != FSRCNN_OK || output_ != expected_) return 1;
      if (fsrcnn_upscale(of_the_process, &in_, &out_) != FSRCNN_OK || output_ != expected_) return 2;
      if (fsrcnn_conv_transpose2d_run_f32(op, image, image_shape, after) != FSRCNN_OK) return 3;
      if (std::memcmp(before, after, sizeof before) != 0) return 4;
      fsrcnn_conv_transpose2d_destroy(op);
      fsrcnn_upscaler_destroy(of_the_process);
      return 0;
    };
    const int status = test::in_child(child);
    EXPECT_EQ(status, 0) << test::kHung << " means that it hung";
    if (status != 0) break;
  }
  stop = true;
  for (std::thread& thread : load) thread.join();
  fsrcnn_conv_transpose2d_destroy(op);
  fsrcnn_upscaler_destroy(of_the_process);
}

TEST_F(CFrame, RowsGoOnInAChildAndItMayExit) {
  int64_t got = 0;
  const auto count = [](void* user, const fsrcnn_plane* some) { *static_cast<int64_t*>(user) += some->height; };
  fsrcnn_rows* const rows = fsrcnn_rows_create(upscaler_, kWidth, kHeight, &in_, &out_, count, &got);
  fsrcnn_plane half = in_;
  half.height = kHeight / 2;
  ASSERT_EQ(fsrcnn_rows_push(rows, &half), FSRCNN_OK);
  EXPECT_EQ(test::in_child([&] {
              if (fsrcnn_rows_push(rows, &half) != FSRCNN_OK || got != 2 * kHeight) return 1;
              fsrcnn_rows_destroy(rows);
              fsrcnn_upscaler_destroy(upscaler_);
              std::exit(0);  // with the destructors of what is static
            }),
            0);
  fsrcnn_rows_destroy(rows);
}
#endif

}  // namespace
}  // namespace fsrcnn
