// Models of Keras, TensorFlow Lite and ONNX Runtime's quantisation, made by tests/golden/make_formats.py.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include "base/atomic_output.hpp"
#include "network/formats/hdf5.hpp"
#include "network/formats/keras.hpp"
#include "network/formats/onnx.hpp"
#include "network/formats/tflite.hpp"
#include "network/formats/weights_file.hpp"
#include "support/golden.hpp"
#include "support/golden_dump.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::error_of;
using test::expect_layers;
using test::expect_output;
using test::expect_survives;
using test::golden;
using test::golden_dump;

std::filesystem::path file(const std::string& name) { return test::test_file("golden/formats/" + name); }

bool has_note(const Network& network, const std::string& part) {
  return std::any_of(network.notes.begin(), network.notes.end(),
                     [&](const std::string& note) { return note.find(part) != note.npos; });
}

class FsrcnnOfFrameworks : public testing::TestWithParam<std::string> {};

TEST_P(FsrcnnOfFrameworks, AgreesLayerByLayer) {
  const Network network =
      load_network(file(GetParam()), GetParam().find("weights") == std::string::npos ? std::nullopt : std::optional(2));
  EXPECT_EQ(network.family, "FSRCNN(4, 2, 1)");
  EXPECT_EQ(network.scale, 2);
  // Weights of 16 bits are rounded.
  expect_layers(network, golden_dump("formats/fsrcnn"), GetParam() == "fsrcnn_half.tflite" ? 2e-3 : 1e-5);
  expect_survives(network);
}

INSTANTIATE_TEST_SUITE_P(All, FsrcnnOfFrameworks,
                         testing::Values("fsrcnn.h5", "fsrcnn.keras", "fsrcnn_unnamed.keras", "fsrcnn.weights.h5",
                                         "fsrcnn_keras2.h5", "fsrcnn_keras2_weights.h5", "fsrcnn.tflite",
                                         "fsrcnn_half.tflite", "fsrcnn_any_size.tflite"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

struct Odd {
  std::string file, dump;
  double tolerance = 2e-6;
};
void PrintTo(const Odd& odd, std::ostream* out) { *out << odd.file; }

class OddOfFrameworks : public testing::TestWithParam<Odd> {};

TEST_P(OddOfFrameworks, AgreesWithTheFramework) {
  const Network network = load_network(file(GetParam().file));
  expect_output(network, golden_dump("formats/" + GetParam().dump), GetParam().tolerance);
  expect_survives(network);
}

INSTANTIATE_TEST_SUITE_P(
    All, OddOfFrameworks,
    testing::Values(Odd{"espcn.keras", "espcn"}, Odd{"functions_keras2.h5", "functions_keras2", 1e-5},
                    Odd{"sum_keras2.h5", "sum_keras2"}, Odd{"deconvolution_even.h5", "deconvolution_even"},
                    Odd{"deconvolution_three.h5", "deconvolution_three"},
                    Odd{"deconvolution_four.h5", "deconvolution_four"},
                    Odd{"deconvolution_small.h5", "deconvolution_small"}, Odd{"mixed.tflite", "mixed", 1e-5},
                    Odd{"to_255_int8.tflite", "to_255", 0.02}, Odd{"fsrcnn_int8.tflite", "fsrcnn_int8", 0.03}),
    [](const auto& test) {
      std::string name = test.param.file;
      std::replace(name.begin(), name.end(), '.', '_');
      return name;
    });

TEST(Tflite, KeepsScalesAndZeroPoints) {
  const Network floats = load_network(file("fsrcnn.tflite")), network = load_network(file("fsrcnn_int8.tflite"));
  EXPECT_EQ(network.family, "FSRCNN(4, 2, 1)");
  EXPECT_TRUE(has_note(network, "integer model"));
  std::vector<Quantisation> steps = {network.input_quantisation.value()};
  for (size_t i = 0; i < network.layers.size(); ++i) {
    const Layer &layer = network.layers[i], &exact = floats.layers[i];
    if (layer.before_activation) steps.push_back(*layer.before_activation);
    steps.push_back(layer.quantisation.value());
    EXPECT_EQ(steps.back().type, ElementType::i8);
    // Within half a step of the channel.
    const bool transposed = layer.op == Layer::Op::transposed_convolution;
    const Shape& s = layer.weight.shape();
    ASSERT_EQ(layer.weight_scales.size(), static_cast<size_t>(layer.out_channels()));
    ASSERT_EQ(s, exact.weight.shape());
    for (int64_t a = 0; a < s.n; ++a) {
      for (int64_t b = 0; b < s.c; ++b) {
        const double scale = layer.weight_scales[static_cast<size_t>(transposed ? b : a)];
        for (int64_t k = 0; k < s.h * s.w; ++k) {
          const double value = layer.weight.plane(a, b)[k];
          EXPECT_LE(std::abs(value - exact.weight.plane(a, b)[k]), 0.501 * scale);
          EXPECT_NEAR(value / scale, std::round(value / scale), 1e-4);
        }
      }
    }
  }
  std::vector<NamedTensor> tensors = parse_safetensors(golden("formats/fsrcnn_int8.safetensors"), "x").tensors;
  const auto expected = std::find_if(tensors.begin(), tensors.end(), [](const auto& t) { return t.name == "steps"; });
  ASSERT_EQ(expected->shape, (std::vector<int64_t>{static_cast<int64_t>(steps.size()), 2}));
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_FLOAT_EQ(static_cast<float>(steps[i].scale), expected->values[2 * i]) << i;
    EXPECT_EQ(static_cast<float>(steps[i].zero_point), expected->values[2 * i + 1]) << i;
  }
}

// Pixels from 0 to 255 are converted to 0 to 1, and so are the scales: weights are still multiples of them.
TEST(Tflite, ConvertsScalesToTheNetworksValues) {
  const Network network = load_network(file("to_255_int8.tflite"));
  EXPECT_NEAR(network.input_quantisation.value().scale, 1.0 / 255, 1e-5);
  EXPECT_TRUE(has_note(network, "the model's pixels have values from 0 to 255"));
  for (const size_t i : {0, 1}) {
    const Layer& layer = network.layers[i];
    ASSERT_EQ(layer.weight_scales.size(), static_cast<size_t>(layer.out_channels()));
    for (int64_t o = 0; o < layer.out_channels(); ++o) {
      for (int64_t c = 0; c < layer.in_channels(); ++c) {
        const double word = layer.weight.plane(o, c)[4] / layer.weight_scales[static_cast<size_t>(o)];
        EXPECT_NEAR(word, std::round(word), 1e-4);
        EXPECT_LE(std::abs(word), 127.001);
      }
    }
  }
}

TEST(Onnx, ReadsIntegers) {
  for (const auto& [name, family] : {std::pair("srvgg", "SRVGGNetCompact(4, 2)"),
                                     std::pair("espcn_relu", "ESPCN(4, 4, 3)"), std::pair("fsrcnn_bilinear", "")}) {
    for (const char* form : {"qdq", "qlinear"}) {
      SCOPED_TRACE(fmt::format("{}_{}", name, form));
      const Network network = load_network(file(fmt::format("{}_{}.onnx", name, form)));
      EXPECT_EQ(network.family, family);
      EXPECT_TRUE(network.input_quantisation);
      EXPECT_TRUE(network.layers[0].quantisation);
      EXPECT_FALSE(network.layers[0].weight_scales.empty());
      const test::GoldenDump dump = golden_dump(std::string("networks/") + name);
      expect_output(network, dump, 0.1);
      expect_survives(network);
    }
  }
}

TEST(Keras, AsksForTheScaleOfWeights) {
  EXPECT_NE(error_of([] {
              load_network(file("fsrcnn.weights.h5"));
            }).find("the file has only weights, which do not determine the scale of the deconvolution"),
            std::string::npos);
  const test::TemporaryFolder folder;
  write_file(folder / "w_x2.h5", golden("formats/fsrcnn.weights.h5"));
  EXPECT_EQ(load_network(folder / "w_x2.h5").scale, 2);
}

// A truncated or damaged file is read, or refused with Error(model).
TEST(DamagedFile, OfFrameworksIsRefused) {
  struct Form {
    const char* file;
    Network (*parse)(Bytes bytes);
  };
  const auto keras = [](Bytes bytes) { return parse_keras(bytes, "x", 2); };
  const auto tflite = [](Bytes bytes) { return parse_tflite(bytes, "x"); };
  for (const Form& form :
       {Form{"fsrcnn.h5", keras}, Form{"fsrcnn.keras", keras}, Form{"fsrcnn.weights.h5", keras},
        Form{"fsrcnn_keras2.h5", keras}, Form{"fsrcnn.tflite", tflite}, Form{"fsrcnn_int8.tflite", tflite}}) {
    SCOPED_TRACE(form.file);
    const std::vector<std::byte> bytes = golden(std::string("formats/") + form.file);
    const auto message = [&](Bytes changed) {
      // An exact copy, so that the sanitizers see reads past its end.
      const std::vector<std::byte> copy(changed.begin(), changed.end());
      return error_of([&] { form.parse(copy); });
    };
    EXPECT_EQ(message(bytes), "no error");
    for (size_t size = 0; size < bytes.size(); size += 97) {
      const std::string error = message(Bytes(bytes).first(size));
      EXPECT_TRUE(error == "no error" || error.starts_with("4: ")) << size << error;
    }
    uint32_t random = 1;
    for (int run = 0; run < 600; ++run) {
      std::vector<std::byte> changed = bytes;
      for (int k = 0; k < 3; ++k) {
        random = random * 1664525 + 1013904223;
        changed[random / 7 % changed.size()] = static_cast<std::byte>(random >> 24);
      }
      const std::string error = message(changed);
      EXPECT_TRUE(error == "no error" || error.starts_with("4: ")) << run << error;
    }
  }
}

}  // namespace
}  // namespace fsrcnn
