#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "base/cpu.hpp"
#include "engine/engine.hpp"
#include "fsrcnn/fsrcnn.h"
#include "model/builtin.hpp"
#include "nn/conv_transpose2d.hpp"
#include "support/golden.hpp"

namespace fsrcnn {
namespace {

TEST(CApi, UpscalesPlanesAndRows) {
  const Tensor<float> luma = test::random_tensor({1, 1, 50, 70}, 1);
  for (const std::string& cpu : cpu_names()) {
    const Tensor<float> expected = Engine(builtin_model("fsrcnn-x2").value(), {.cpu = cpu}).upscale(luma);
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
  EXPECT_STREQ(fsrcnn_last_error(), "the argument 'model' is null");
  const fsrcnn_options bad_cpu{"z80", 0, 0, 0}, bad_scale{nullptr, 0, 3, 0};
  EXPECT_EQ(fsrcnn_upscaler_create("fsrcnn-x2", &bad_cpu), nullptr);
  EXPECT_EQ(fsrcnn_upscaler_create("fsrcnn-x2", &bad_scale), nullptr);
  EXPECT_STREQ(fsrcnn_last_error(), "the compiled-in model fsrcnn-x2 is for scale 2, not 3");

  fsrcnn_upscaler* const upscaler = fsrcnn_upscaler_create("fsrcnn-x2", nullptr);
  float pixels[16] = {};
  EXPECT_EQ(fsrcnn_upscale_f32(upscaler, nullptr, 2, 2, 8, pixels, 16), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_upscale_f32(upscaler, pixels, 0, 2, 8, pixels, 16), FSRCNN_ERROR_INPUT);
  const fsrcnn_plane in{pixels, 2, 2, 8, 7, 1, 0}, out{pixels, 4, 4, 16, FSRCNN_F32, 1, 0};
  EXPECT_EQ(fsrcnn_upscale(upscaler, &in, &out), FSRCNN_ERROR_USAGE);
  EXPECT_STREQ(fsrcnn_last_error(), "the type of the plane 'input' is 7, but must be FSRCNN_U8, _U16 or _F32");
  EXPECT_EQ(fsrcnn_upscale(upscaler, nullptr, &out), FSRCNN_ERROR_USAGE);
  EXPECT_EQ(fsrcnn_rows_create(upscaler, 2, 2, &out, &out, nullptr, nullptr), nullptr);
  EXPECT_STREQ(fsrcnn_last_error(), "the argument 'sink' is null");
  fsrcnn_upscaler_destroy(upscaler);
  fsrcnn_upscaler_destroy(nullptr);
}

}  // namespace
}  // namespace fsrcnn
