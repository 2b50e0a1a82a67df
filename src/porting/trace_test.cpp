#include "porting/trace.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include <nlohmann/json.hpp>

#include "base/sha256.hpp"
#include "engine/reference_network.hpp"
#include "support/golden.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

const Model& model() {
  static const Model m = test::random_model(8, 4, 1, 2, 3);
  return m;
}
const Tensor<float>& luma() {
  static const Tensor<float> t = test::random_tensor({1, 1, 6, 5}, 4);
  return t;
}

NpyArray values(const std::filesystem::path& path) { return read_tensor(path).values; }

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

}  // namespace
}  // namespace fsrcnn
