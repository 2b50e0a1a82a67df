// Weights of other families than FSRCNN through the C functions.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "fsrcnn/fsrcnn.h"
#include "network/formats/safetensors.hpp"
#include "network/fsrcnn.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kWidth = 37, kHeight = 29;

/// A plane for each channel of a tensor, from a row on.
std::array<fsrcnn_plane, 3> planes_of(Tensor<float>& tensor, int64_t row, int64_t rows) {
  std::array<fsrcnn_plane, 3> planes = {};
  const Shape shape = tensor.shape();
  for (int64_t c = 0; c < shape.c; ++c) {
    planes[static_cast<size_t>(c)] = {.data = tensor.row(0, c, row),
                                      .width = shape.w,
                                      .height = rows,
                                      .stride_bytes = shape.w * static_cast<int64_t>(sizeof(float)),
                                      .type = FSRCNN_F32,
                                      .one = 1,
                                      .full_range = 0,
                                      .reserved = {}};
  }
  return planes;
}

TEST(CNetworks, FramesAndRowsAreTheEngines) {
  for (auto& [name, network] : test::other_networks()) {
    for (size_t i = 0; i < network.layers.size(); ++i) {
      network.layers[i].key = "layer" + std::to_string(i);
      if (network.layers[i].activation == Layer::Activation::prelu) {
        network.layers[i].activation_key = "prelu" + std::to_string(i);
      }
    }
    const std::vector<std::byte> file = format_safetensors(to_state_dict(network));
    fsrcnn_options options = {};
    options.threads = 2;
    fsrcnn_upscaler* const upscaler = fsrcnn_upscaler_create_from_memory(file.data(), file.size(), &options);
    if (network.scale == 1) {  // the engine runs it, but it upscales nothing
      EXPECT_EQ(upscaler, nullptr) << name;
      EXPECT_EQ(fsrcnn_last_error_code(), FSRCNN_ERROR_MODEL) << fsrcnn_last_error();
      continue;
    }
    ASSERT_NE(upscaler, nullptr) << name << ": " << fsrcnn_last_error();
    const int channels = fsrcnn_upscaler_channels(upscaler);
    ASSERT_EQ(channels, network.channels()) << name;
    const int64_t scale = fsrcnn_upscaler_scale(upscaler);
    ASSERT_EQ(scale, network.scale) << name;

    Tensor<float> input = test::random_tensor({1, channels, kHeight, kWidth}, 3);
    const Tensor<float> expected = Engine(network, {.threads = 2}).upscale(input);
    Tensor<float> output(expected.shape());
    const auto in = planes_of(input, 0, kHeight), out = planes_of(output, 0, scale * kHeight);
    fsrcnn_frame frame = {};
    frame.input = in.data();
    frame.output = out.data();
    frame.channels = channels;
    EXPECT_EQ(fsrcnn_upscale_frame(upscaler, &frame), FSRCNN_OK) << name << ": " << fsrcnn_last_error();
    EXPECT_EQ(output, expected) << name;

    frame.channels = channels == 3 ? 1 : 3;
    EXPECT_EQ(fsrcnn_upscale_frame(upscaler, &frame), FSRCNN_ERROR_USAGE) << name;
    EXPECT_EQ(std::string(fsrcnn_last_error()),
              channels == 3 ? "got 1 channel, but the network has 3; see fsrcnn_upscaler_channels"
                            : "got 3 channels, but the network has 1; see fsrcnn_upscaler_channels")
        << name;
    if (channels == 3) {
      auto twice = out;
      twice[2].data = twice[1].data;
      frame.output = twice.data();
      frame.channels = 3;
      EXPECT_EQ(fsrcnn_upscale_frame(upscaler, &frame), FSRCNN_ERROR_USAGE) << name;
      EXPECT_EQ(std::string(fsrcnn_last_error()), "planes 'output[1]' and 'output[2]' overlap") << name;
      auto inside = out;
      inside[0].data = in[2].data;
      frame.output = inside.data();
      EXPECT_EQ(fsrcnn_upscale_frame(upscaler, &frame), FSRCNN_ERROR_USAGE) << name;
      EXPECT_EQ(std::string(fsrcnn_last_error()), "planes 'input[2]' and 'output[0]' overlap") << name;
    }

    output = Tensor<float>(expected.shape());
    fsrcnn_rows_options rows = {};
    rows.width = kWidth;
    rows.height = kHeight;
    rows.channels = channels;
    rows.input_format = in[0];
    rows.output_format = out[0];
    fsrcnn_rows* const stream = fsrcnn_rows_open(upscaler, &rows);
    ASSERT_NE(stream, nullptr) << name << ": " << fsrcnn_last_error();
    int64_t done = 0;
    for (int64_t y = 0; y < kHeight; y += 7) {
      const int64_t count = std::min<int64_t>(7, kHeight - y), completed = fsrcnn_rows_completed_by(stream, count);
      const auto next = planes_of(input, y, count);
      const auto into = planes_of(output, completed > 0 ? done : 0, completed);
      ASSERT_EQ(fsrcnn_rows_push_into(stream, next.data(), completed > 0 ? into.data() : nullptr), FSRCNN_OK)
          << name << ": " << fsrcnn_last_error();
      done += completed;
    }
    EXPECT_EQ(done, scale * kHeight) << name;
    EXPECT_EQ(output, expected) << name;
    fsrcnn_rows_destroy(stream);
    fsrcnn_upscaler_destroy(upscaler);
  }
}

}  // namespace
}  // namespace fsrcnn
