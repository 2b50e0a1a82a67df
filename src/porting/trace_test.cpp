#include "porting/trace.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

#include "base/sha256.hpp"
#include "engine/reference_network.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

const Network& model() {
  static const Network m = test::random_network(8, 4, 1, 2, 3);
  return m;
}
const Tensor<float>& luma() {
  static const Tensor<float> t = test::random_tensor({1, 1, 6, 5}, 4);
  return t;
}

NpyArray values(const std::filesystem::path& path) { return read_tensor(path).values; }

Tensor<float> to_floats(const NpyArray& array) { return TensorFile{array}.to_float(); }

TEST(Trace, WritesEveryTensorOnTheWay) {
  const test::TemporaryFolder folder;
  const auto entries = write_trace(model(), luma(), {}, folder / "t");
  std::vector<std::string> files;
  for (const TraceEntry& e : entries) files.push_back(e.file);
  EXPECT_EQ(files, (std::vector<std::string>{
                       "00_input.npy", "01_feature_extraction_convolution.npy", "02_feature_extraction_prelu.npy",
                       "03_shrinking_convolution.npy", "04_shrinking_prelu.npy", "05_mapping_1_convolution.npy",
                       "06_mapping_1_prelu.npy", "07_expanding_convolution.npy", "08_expanding_prelu.npy",
                       "09_deconvolution_zeros_inserted.npy", "10_deconvolution_padded.npy",
                       "11_deconvolution_kernel_turned.npy", "12_deconvolution_channel_sums.npy",
                       "13_deconvolution_sum.npy", "14_deconvolution_bias.npy", "15_deconvolution_clamp.npy"}));
  const auto maps = reference_feature_maps(model(), luma());
  EXPECT_EQ(std::get<Tensor<float>>(values(folder / "t" / files[1])), maps[0].values);
  EXPECT_EQ(std::get<Tensor<float>>(values(folder / "t" / files[14])), maps[maps.size() - 2].values);
  EXPECT_EQ(std::get<Tensor<float>>(values(folder / "t" / files[15])), maps.back().values);
  // The channels' sums together are the sum, and with the bias the layer's output.
  const auto sums = std::get<Tensor<float>>(values(folder / "t" / files[12]));
  EXPECT_EQ(sums.shape(), (Shape{1, 8, 12, 10}));
  for (int64_t i = 0; i < 120; ++i) {
    double sum = 0;
    for (int64_t c = 0; c < 8; ++c) sum += sums.plane(0, c)[i];
    ASSERT_NEAR(sum + model().layers.back().bias[0], maps[maps.size() - 2].values.data()[i], 1e-6);
  }
  std::ifstream in(folder / "t" / "manifest.json");
  const auto manifest = nlohmann::json::parse(in);
  ASSERT_EQ(manifest["tensors"].size(), files.size());
  EXPECT_EQ(manifest["tensors"][10]["shape"], (std::vector<int64_t>{1, 8, 11 + 2 * 4 + 1, 9 + 2 * 4 + 1}));
  const auto bytes = read_file(folder / "t" / files[15], 1 << 20);
  EXPECT_EQ(manifest["tensors"][15]["sha256"], sha256(bytes));
  EXPECT_EQ(sha256(as_bytes("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Trace, OnlyTheLayersAskedFor) {
  const test::TemporaryFolder folder;
  const auto entries = write_trace(model(), luma(), {.layers = {"Mapping", "kernel turned"}}, folder / "t");
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[2].file, "11_deconvolution_kernel_turned.npy") << "numbers stay the same";
  EXPECT_NE(test::error_of([&] { write_trace(model(), luma(), {.layers = {"mappping"}}, folder / "u"); }).find("2: "),
            std::string::npos);
  EXPECT_EQ(folder.names(), std::vector<std::string>{"t"});
}

// By hand, in integers: the arithmetic that the manifest states.
TEST(Trace, FixedPointIsWhatTheManifestSays) {
  const test::TemporaryFolder folder;
  const NumberType q = *parse_number_type("q4.8");
  write_trace(model(), luma(), {.type = q, .format = TensorFormat::txt}, folder / "t");
  const auto words = [&](const char* file) {
    Tensor<double> t = std::get<Tensor<double>>(values(folder / "t" / file));
    std::vector<int64_t> list;
    for (const double v : t.values()) list.push_back(std::llround(v * 256));
    return list;
  };
  const std::vector<int64_t> in = words("00_input.txt"), conv = words("01_feature_extraction_convolution.txt"),
                             act = words("02_feature_extraction_prelu.txt");
  const Layer& layer = model().layers[0];
  const auto word = [](float v) { return static_cast<int64_t>(std::floor(static_cast<double>(v) * 256 + 0.5)); };
  bool some_negative = false;
  for (int64_t o = 0; o < 8; ++o) {
    for (int64_t y = 0; y < 6; ++y) {
      for (int64_t x = 0; x < 5; ++x) {
        int64_t sum = word(layer.bias[o]) * 256;  // 16 fraction bits
        for (int64_t ky = 0; ky < 5; ++ky)
          for (int64_t kx = 0; kx < 5; ++kx) {
            const int64_t sy = y + ky - 2, sx = x + kx - 2;
            if (sy < 0 || sy >= 6 || sx < 0 || sx >= 5) continue;
            sum += word(layer.weight(o, 0, ky, kx)) * in[sy * 5 + sx];
          }
        const int64_t expected = (sum + 128) >> 8;
        const int64_t i = (o * 6 + y) * 5 + x;
        ASSERT_EQ(conv[i], expected);
        ASSERT_EQ(act[i], expected > 0 ? expected : (word(layer.slope[o]) * expected + 128) >> 8);
        some_negative = some_negative || expected < 0;
      }
    }
  }
  EXPECT_TRUE(some_negative);
}

// Whatever its layers: what is written is what the reference makes of the picture, in the types that were asked for.
TEST(Trace, WritesAnyNetwork) {
  for (const auto& [name, network] : test::other_networks()) {
    SCOPED_TRACE(name);
    const test::TemporaryFolder folder;
    const Tensor<float> input = test::random_tensor({1, network.channels(), 7, 6}, 9);
    const auto maps = reference_feature_maps(network, input);
    const auto entries = write_trace(network, input, {}, folder / "t");
    EXPECT_EQ(std::get<Tensor<float>>(values(folder / "t" / entries[0].file)), input);
    EXPECT_EQ(std::get<Tensor<float>>(values(folder / "t" / entries.back().file)), maps.back().values);
    // Each map of the reference in its order; of transposed convolutions the steps between.
    size_t map = 0, steps = 0;
    for (size_t i = 1; i < entries.size(); ++i) {
      const Tensor<float> dump = std::get<Tensor<float>>(values(folder / "t" / entries[i].file));
      const std::string& step = maps[map].step;
      if (entries[i].layer == maps[map].layer && entries[i].step == (step == "deconvolution" ? "bias" : step)) {
        EXPECT_EQ(dump, maps[map].values) << entries[i].file;
        ++map;
      } else {
        ++steps;
      }
    }
    EXPECT_EQ(map, maps.size());
    const auto transposed = std::count_if(network.layers.begin(), network.layers.end(), [](const Layer& layer) {
      return layer.op == Layer::Op::transposed_convolution;
    });
    EXPECT_EQ(steps, 5 * static_cast<size_t>(transposed));

    write_trace(network, input, {.type = *parse_number_type("q3.9")}, folder / "fixed");
    const auto fixed = to_floats(values(folder / "fixed" / entries.back().file));
    EXPECT_LE(test::max_difference(fixed, maps.back().values), 0.25);
    EXPECT_NE(fixed, maps.back().values);
    for (const float v : fixed.values()) ASSERT_EQ(v * 512, std::floor(v * 512));
  }
}

TEST(Trace, SumsTheChannelsOfATransposedConvolutionForEachOutput) {
  test::NetworkBuilder b(Colours::rgb, 3);
  b.convolution(4, 3);
  b.transposed_convolution(3, 5, 2, 2, 1);
  const Network network = b.finish();
  const test::TemporaryFolder folder;
  write_trace(network, test::random_tensor({1, 3, 5, 6}, 4), {}, folder / "t");
  const auto sums = std::get<Tensor<float>>(values(folder / "t" / "05_layer_1_channel_sums.npy"));
  const auto sum = std::get<Tensor<float>>(values(folder / "t" / "06_layer_1_sum.npy"));
  ASSERT_EQ(sums.shape(), (Shape{1, 4 * 3, 10, 12}));
  for (int64_t o = 0; o < 3; ++o) {
    for (int64_t i = 0; i < 120; ++i) {
      double total = 0;
      for (int64_t c = 0; c < 4; ++c) total += sums.plane(0, 3 * c + o)[i];
      ASSERT_NEAR(total, sum.plane(0, o)[i], 1e-6);
    }
  }
}

TEST(Trace, RefusesWordsThatAreTooWideForExactSums) {
  test::NetworkBuilder b(Colours::luma, 3);
  b.convolution(200, 3);
  b.convolution(1, 9);
  const Network network = b.finish();
  const test::TemporaryFolder folder;
  const auto message = [&](const char* type) {
    return test::error_of([&] {
      write_trace(network, Tensor<float>({1, 1, 4, 4}), {.type = *parse_number_type(type)}, folder / type);
    });
  };
  EXPECT_EQ(message("q3.12"), "no error");
  EXPECT_EQ(message("q4.16"),
            "2: words of 21 bits are too wide: the sums of 16200 products in 'layer 1' would not be exact");
}

}  // namespace
}  // namespace fsrcnn
