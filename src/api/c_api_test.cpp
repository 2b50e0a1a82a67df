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

#include "base/cpu.hpp"
#include "engine/engine.hpp"
#include "fsrcnn/fsrcnn.h"
#include "network/builtin.hpp"
#include "nn/conv_transpose2d.hpp"
#include "support/golden.hpp"
#include "support/in_child.hpp"
#include "support/threads.hpp"

// Programs written for earlier versions, in old_source_test.c.
extern "C" const char* old_source_runs(void);

// As programs of earlier versions do, which know no later fields.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

namespace fsrcnn {
namespace {

TEST(CApi, UpscalesPlanesAndRows) {
  const Tensor<float> luma = test::random_tensor({1, 1, 50, 70}, 1);
  for (const std::string& cpu : cpu_names()) {
    const Tensor<float> expected = Engine(builtin_network("fsrcnn-x2").value(), {.cpu = cpu}).upscale(luma);
    const fsrcnn_options options{cpu.c_str(), 2, 0, 0};
    fsrcnn_upscaler* const upscaler = fsrcnn_upscaler_create("fsrcnn-x2", &options);
    ASSERT_NE(upscaler, nullptr) << fsrcnn_last_error();
    EXPECT_EQ(fsrcnn_upscaler_scale(upscaler), 2);
    EXPECT_EQ(fsrcnn_upscaler_cpu(upscaler), cpu);
    Tensor<float> output(expected.shape());
    EXPECT_EQ(fsrcnn_upscale_f32(upscaler, luma.data(), 70, 50, 70 * 4, output.data(), 140 * 4), FSRCNN_OK);
    EXPECT_EQ(output, expected) << cpu;

    struct Rows {
      float* next;
    } rows{output.data()};
    output = Tensor<float>(expected.shape());
    rows.next = output.data();
    const fsrcnn_plane format{nullptr, 0, 0, 0, FSRCNN_F32, 1, 0};
    const fsrcnn_sink sink = [](void* user, const fsrcnn_plane* some) {
      float*& next = static_cast<Rows*>(user)->next;
      std::memcpy(next, some->data, static_cast<size_t>(some->height * some->stride_bytes));
      next += some->height * some->width;
    };
    fsrcnn_rows* const stream = fsrcnn_rows_create(upscaler, 70, 50, &format, &format, sink, &rows);
    ASSERT_NE(stream, nullptr) << fsrcnn_last_error();
    for (int64_t y = 0; y < 50; ++y) {
      const fsrcnn_plane next{const_cast<float*>(luma.row(0, 0, y)), 70, 1, 70 * 4, FSRCNN_F32, 1, 0};
      ASSERT_EQ(fsrcnn_rows_push(stream, &next), FSRCNN_OK) << fsrcnn_last_error();
    }
    EXPECT_EQ(output, expected) << cpu;
    fsrcnn_rows_destroy(stream);
    fsrcnn_upscaler_destroy(upscaler);
  }
}

TEST(CApi, Looks) {
  const Tensor<float> luma = test::random_tensor({1, 1, 30, 40}, 1);
  Tensor<float> output({1, 1, 60, 80});
  Tensor<float> before;
  for (const auto& [extend_edges, guard] : {std::pair{false, 0.0F}, {true, 0.0F}, {true, 0.5F}, {false, 1.0F}}) {
    fsrcnn_options options{};
    options.extend_edges = extend_edges ? 1 : 0;
    options.guard = guard;
    fsrcnn_upscaler* const upscaler = fsrcnn_upscaler_create("fsrcnn-x2", &options);
    ASSERT_EQ(fsrcnn_upscale_f32(upscaler, luma.data(), 40, 30, 40 * 4, output.data(), 80 * 4), FSRCNN_OK);
    Engine engine(builtin_network("fsrcnn-x2").value(), {.extend_edges = extend_edges, .guard = guard});
    EXPECT_EQ(output, engine.upscale(luma)) << extend_edges << ", " << guard;
    EXPECT_NE(output, before) << extend_edges << ", " << guard;
    before = output;
    fsrcnn_upscaler_destroy(upscaler);
  }
  fsrcnn_options options{};
  options.guard = -1;
  EXPECT_EQ(fsrcnn_upscaler_create("fsrcnn-x2", &options), nullptr);
  EXPECT_STREQ(fsrcnn_last_error(), "guard is -1, but must be from 0 to 1");
}

TEST(CApi, ConvTranspose2d) {
  const Tensor<float> input = test::random_tensor({2, 6, 5, 7}, 2), weight = test::random_tensor({6, 2, 4, 3}, 3);
  const std::vector<float> bias = test::random_tensor({1, 1, 1, 4}, 4).values();
  const ConvTranspose2dParams params{
      .stride = {2, 3}, .padding = {1, 0}, .output_padding = {1, 2}, .dilation = {1, 2}, .groups = 2};
  const Tensor<float> expected = conv_transpose2d_reference(input, weight, bias, params);
  const fsrcnn_conv_transpose2d_params c_params{{2, 3}, {1, 0}, {1, 2}, {1, 2}, 2};
  const int64_t weight_shape[4] = {6, 2, 4, 3}, input_shape[4] = {2, 6, 5, 7};
  fsrcnn_conv_transpose2d* const op =
      fsrcnn_conv_transpose2d_create(weight.data(), weight_shape, bias.data(), &c_params, nullptr);
  ASSERT_NE(op, nullptr) << fsrcnn_last_error();
  int64_t shape[4];
  ASSERT_EQ(fsrcnn_conv_transpose2d_output_shape(op, input_shape, shape), FSRCNN_OK);
  ASSERT_EQ((Shape{shape[0], shape[1], shape[2], shape[3]}), expected.shape());
  Tensor<float> output(expected.shape());
  ASSERT_EQ(fsrcnn_conv_transpose2d_run_f32(op, input.data(), input_shape, output.data()), FSRCNN_OK);
  EXPECT_LE(test::max_difference(output, expected), 1e-5);
  const int64_t other_shape[4] = {2, 5, 5, 7};
  EXPECT_EQ(fsrcnn_conv_transpose2d_run_f32(op, input.data(), other_shape, output.data()), FSRCNN_ERROR_INPUT);
  EXPECT_NE(std::string(fsrcnn_last_error()).find("5"), std::string::npos);
  fsrcnn_conv_transpose2d_destroy(op);
}

TEST(CApi, ErrorsAreCodesWithAMessage) {
  EXPECT_EQ(fsrcnn_upscaler_create("no-such-file.safetensors", nullptr), nullptr);
  EXPECT_NE(std::string(fsrcnn_last_error()).find("no-such-file.safetensors"), std::string::npos);
  EXPECT_EQ(fsrcnn_upscaler_create(nullptr, nullptr), nullptr);
  EXPECT_STREQ(fsrcnn_last_error(), "argument 'model' is null");
  const fsrcnn_options bad_cpu{"z80", 0, 0, 0}, bad_scale{nullptr, 0, 3, 0};
  EXPECT_EQ(fsrcnn_upscaler_create("fsrcnn-x2", &bad_cpu), nullptr);
  EXPECT_EQ(fsrcnn_upscaler_create("fsrcnn-x2", &bad_scale), nullptr);
  EXPECT_STREQ(fsrcnn_last_error(), "the built-in model fsrcnn-x2 is for scale 2, not 3");

  fsrcnn_upscaler* const upscaler = fsrcnn_upscaler_create("fsrcnn-x2", nullptr);
  float pixels[16] = {};
  EXPECT_EQ(fsrcnn_upscale_f32(upscaler, nullptr, 2, 2, 8, pixels, 16), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_upscale_f32(upscaler, pixels, 0, 2, 8, pixels, 16), FSRCNN_ERROR_INPUT);
  const fsrcnn_plane in{pixels, 2, 2, 8, 7, 1, 0}, out{pixels, 4, 4, 16, FSRCNN_F32, 1, 0};
  EXPECT_EQ(fsrcnn_upscale(upscaler, &in, &out), FSRCNN_ERROR_USAGE);
  EXPECT_STREQ(fsrcnn_last_error(), "the type of plane 'input' is 7, but must be FSRCNN_U8, _U16 or _F32");
  EXPECT_EQ(fsrcnn_upscale(upscaler, nullptr, &out), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_rows_create(upscaler, 2, 2, &out, &out, nullptr, nullptr), nullptr);
  EXPECT_STREQ(fsrcnn_last_error(), "argument 'sink' is null");
  fsrcnn_upscaler_destroy(upscaler);
  fsrcnn_upscaler_destroy(nullptr);
}

TEST(CApi, FailuresLeaveCodeAndMessage) {
  const auto failed = [] { return std::to_string(fsrcnn_last_error_code()) + ": " + fsrcnn_last_error(); };
  EXPECT_EQ(fsrcnn_upscaler_create("no-such-file.safetensors", nullptr), nullptr);
  EXPECT_EQ(fsrcnn_last_error_code(), FSRCNN_ERROR_IO);
  for (const std::string name : {"fsrcnn-x9", ""}) {
    EXPECT_EQ(fsrcnn_upscaler_create(name.c_str(), nullptr), nullptr);
    EXPECT_EQ(failed(), "5: there is no file or built-in model '" + name +
                            "'; built-in models: fsrcnn-x2, fsrcnn-x3, fsrcnn-x4, fsrcnn-s-x2, fsrcnn-video-x2");
  }
  EXPECT_EQ(fsrcnn_upscaler_create_from_memory("{}", 2, nullptr), nullptr);
  EXPECT_EQ(fsrcnn_last_error_code(), FSRCNN_ERROR_MODEL);
  const std::string onnx = test::test_file("golden/networks/srvgg.onnx").string();
  EXPECT_EQ(fsrcnn_upscaler_create(onnx.c_str(), nullptr), nullptr);
  EXPECT_EQ(failed(), "4: " + onnx +
                          ": not a safetensors file; the library reads only those: convert ONNX, PyTorch and other "
                          "files with fsrcnn convert FILE NAME.safetensors");
  EXPECT_EQ(fsrcnn_upscaler_create_from_memory(nullptr, 0, nullptr), nullptr);
  EXPECT_EQ(failed(), "2: argument 'weights' is null");
  EXPECT_EQ(fsrcnn_executor_create(-3), nullptr);
  EXPECT_EQ(failed(), "2: threads is -3, but must be from 1 to 1024, or 0 for one per core");
  EXPECT_EQ(fsrcnn_executor_threads(nullptr), 0);
  EXPECT_EQ(failed(), "2: argument 'executor' is null");
  EXPECT_EQ(fsrcnn_upscaler_scale(nullptr), 0);
  EXPECT_EQ(failed(), "2: argument 'upscaler' is null");
  EXPECT_EQ(fsrcnn_upscaler_cpu(nullptr), nullptr);
  EXPECT_EQ(fsrcnn_upscaler_channels(nullptr), 0);
  EXPECT_EQ(fsrcnn_upscaler_threads(nullptr), 0);
  EXPECT_EQ(fsrcnn_upscale(nullptr, nullptr, nullptr), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_upscale_frame(nullptr, nullptr), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_rows_open(nullptr, nullptr), nullptr);
  EXPECT_EQ(fsrcnn_rows_push(nullptr, nullptr), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_rows_push_into(nullptr, nullptr, nullptr), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_rows_completed_by(nullptr, 1), -1);
  EXPECT_EQ(failed(), "2: argument 'rows' is null");
  EXPECT_EQ(fsrcnn_cancel_request(nullptr), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_conv_transpose2d_create(nullptr, nullptr, nullptr, nullptr, nullptr), nullptr);
  EXPECT_EQ(failed(), "2: argument 'weight' is null");
  fsrcnn_executor_destroy(nullptr);
  fsrcnn_rows_destroy(nullptr);
  fsrcnn_cancel_destroy(nullptr);
  fsrcnn_conv_transpose2d_destroy(nullptr);

  const fsrcnn_options bad_threads{nullptr, -1, 0, 0}, bad_scale{nullptr, 0, -2, 0};
  EXPECT_EQ(fsrcnn_upscaler_create("fsrcnn-x2", &bad_threads), nullptr);
  EXPECT_EQ(failed(), "2: threads is -1, but must be from 1 to 1024, or 0 for one per core");
  EXPECT_EQ(fsrcnn_upscaler_create("fsrcnn-x2", &bad_scale), nullptr);
  EXPECT_EQ(failed(), "2: scale is -2, but must be at least 1, or 0 for the model's");
  // A thread has its own, and what went well changes nothing.
#if FSRCNN_TESTS_THREADS
  std::thread([] { EXPECT_EQ(fsrcnn_last_error_code(), FSRCNN_OK); }).join();
#endif
  EXPECT_GT(fsrcnn_model_count(), 0);
  EXPECT_EQ(fsrcnn_last_error_code(), FSRCNN_ERROR_USAGE);
}

TEST(CApi, TellsVersionsModelsAndCpus) {
  EXPECT_EQ(fsrcnn_version(), FSRCNN_API_VERSION);
  EXPECT_EQ(fsrcnn_version() / 0x10000, FSRCNN_API_MAJOR);
  EXPECT_NE(std::string(fsrcnn_version_string()).find('.'), std::string::npos);
  ASSERT_EQ(fsrcnn_model_count(), static_cast<int>(models().size()));
  for (int i = 0; i < fsrcnn_model_count(); ++i) {
    const fsrcnn_model* const model = fsrcnn_model_at(i);
    ASSERT_NE(model, nullptr);
    EXPECT_EQ(model->name, models()[static_cast<size_t>(i)].name);
    EXPECT_EQ(model->scale, models()[static_cast<size_t>(i)].scale);
    EXPECT_EQ(model->channels, 1);
  }
  ASSERT_EQ(fsrcnn_cpu_count(), static_cast<int>(cpu_names().size()));
  EXPECT_STREQ(fsrcnn_cpu_at(fsrcnn_cpu_count() - 1), "reference");
  for (const int index : {-1, fsrcnn_model_count(), INT_MAX, INT_MIN}) {
    EXPECT_EQ(fsrcnn_model_at(index), nullptr);
    EXPECT_EQ(fsrcnn_last_error_code(), FSRCNN_ERROR_USAGE);
  }
  EXPECT_EQ(fsrcnn_cpu_at(fsrcnn_cpu_count()), nullptr);
}

TEST(CApi, AnOperatorReadsNothingBeforeItsParametersAreChecked) {
  const float weight[4] = {1, 1, 1, 1}, bias[1] = {0};
  const int64_t shape[4] = {1, 1, 2, 2};
  const auto created = [&](const int64_t* weight_shape, int64_t groups) {
    const fsrcnn_conv_transpose2d_params params{{2, 2}, {0, 0}, {0, 0}, {1, 1}, groups};
    fsrcnn_conv_transpose2d* const op = fsrcnn_conv_transpose2d_create(weight, weight_shape, bias, &params, nullptr);
    const int code = op == nullptr ? fsrcnn_last_error_code() : FSRCNN_OK;
    fsrcnn_conv_transpose2d_destroy(op);
    return code;
  };
  EXPECT_EQ(created(shape, 1), FSRCNN_OK);
  for (const int64_t groups : {int64_t{1000000000}, int64_t{-1}, int64_t{0}, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(created(shape, groups), FSRCNN_ERROR_INPUT) << groups;
  }
  for (const int64_t size : {int64_t{0}, int64_t{-1}, int64_t{1} << 40, INT64_MAX}) {
    for (size_t axis = 0; axis < 4; ++axis) {
      int64_t wrong[4] = {1, 1, 2, 2};
      wrong[axis] = size;
      EXPECT_EQ(created(wrong, 1), FSRCNN_ERROR_INPUT) << size << " at " << axis;
      EXPECT_EQ(created(wrong, 1000000000), FSRCNN_ERROR_INPUT);
    }
  }
}

TEST(CApi, SourceOfEarlierVersionsRuns) { EXPECT_STREQ(old_source_runs(), ""); }

}  // namespace
}  // namespace fsrcnn
