#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "engine/reference_network.hpp"
#include "network/formats/weights_file.hpp"
#include "network/fsrcnn.hpp"
#include "support/golden.hpp"
#include "support/golden_dump.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {

using test::expect_layers;
using test::expect_survives;
using test::GoldenDump;

std::filesystem::path network_file(const std::string& name) { return test::test_file("golden/networks/" + name); }

GoldenDump network_dump(const std::string& name) { return test::golden_dump("networks/" + name); }

struct Family {
  std::string file, dump, family;
  int64_t scale;
};

class Families : public testing::TestWithParam<Family> {};

TEST_P(Families, AgreeWithPyTorchLayerByLayerFromOnnx) {
  const Family& family = GetParam();
  const Network network = load_network(network_file(family.file + ".onnx"));
  EXPECT_EQ(network.family, family.family);
  EXPECT_EQ(network.scale, family.scale);
  // Weights of 16 bits are rounded.
  expect_layers(network, network_dump(family.dump), family.file.ends_with("_half") ? 1e-3 : 1e-5);
  expect_survives(network);
}

INSTANTIATE_TEST_SUITE_P(
    All, Families,
    testing::Values(Family{"espcn", "espcn", "ESPCN(4, 3)", 3}, Family{"espcn_relu", "espcn_relu", "ESPCN(4, 4, 3)", 2},
                    Family{"srvgg", "srvgg", "SRVGGNetCompact(4, 2)", 2},
                    Family{"srvgg_dynamo", "srvgg", "SRVGGNetCompact(4, 2)", 2},
                    Family{"srvgg_half", "srvgg", "SRVGGNetCompact(4, 2)", 2},
                    Family{"ecbsr", "ecbsr", "ECBSR(m2c4)", 2}, Family{"ecbsr_rgb", "ecbsr_rgb", "ECBSR(m2c4)", 2},
                    Family{"sesr", "sesr", "SESR-M2, 4 channels", 2},
                    Family{"sesr_rgb", "sesr_rgb", "SESR-M2, 4 channels", 2},
                    Family{"sesr_rgb_dynamo", "sesr_rgb", "SESR-M2, 4 channels", 2},
                    Family{"fsrcnnx", "fsrcnnx", "FSRCNNX(4, 0, 2, 1)", 2},
                    Family{"fsrcnn_rgb", "fsrcnn_rgb", "FSRCNN(4, 2, 1)", 2},
                    Family{"fsrcnn_bicubic", "fsrcnn_bicubic", "FSRCNN(4, 2, 1) over bicubic interpolation", 2},
                    Family{"fsrcnn_bicubic_dynamo", "fsrcnn_bicubic", "FSRCNN(4, 2, 1) over bicubic interpolation", 2},
                    Family{"fsrcnn_bilinear", "fsrcnn_bilinear", "FSRCNN(4, 2, 1) over bilinear interpolation", 3}),
    [](const auto& test) { return test.param.file; });

class FamiliesByNames : public testing::TestWithParam<std::string> {};

// The names and shapes of a state_dict's tensors tell what is added where, and what is no parameter is assumed and
// told.
TEST_P(FamiliesByNames, AgreeWithPyTorchLayerByLayer) {
  const GoldenDump golden = network_dump(GetParam());
  const Network network = network_from_state_dict(golden.weights, "w", 2 + (GetParam() == "espcn" ? 1 : 0));
  expect_layers(network, golden, 1e-5);
  EXPECT_EQ(network.notes.empty(), GetParam() == "fsrcnn_rgb");
  expect_survives(network);
}

TEST_P(FamiliesByNames, AreRecognisedBehindPrefixesThatAllNamesShare) {
  const GoldenDump golden = network_dump(GetParam());
  const int64_t scale = 2 + (GetParam() == "espcn" ? 1 : 0);
  const Network expected = network_from_state_dict(golden.weights, "w", scale);
  for (const char* prefix : {"params.", "params_ema.", "state_dict.", "backbone.", "student.0.", "module.params."}) {
    SCOPED_TRACE(prefix);
    StateDict wrapped = golden.weights;
    for (NamedTensor& tensor : wrapped.tensors) tensor.name = prefix + tensor.name;
    const Network network = network_from_state_dict(wrapped, "w", scale);
    EXPECT_EQ(network.family, expected.family);
    EXPECT_EQ(canonical_bytes(network), canonical_bytes(expected));
    const auto is_chain = [](const Network& n) {
      return !n.notes.empty() && n.notes[0].starts_with("its tensors have unknown names; ");
    };
    ASSERT_EQ(is_chain(network), is_chain(expected));
    if (is_chain(network)) {
      EXPECT_TRUE(network.notes[0].ends_with(
          "; additions (skips) and activations that no note names are unknown and were not assumed"))
          << network.notes[0];
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FamiliesByNames,
                         testing::Values("espcn", "espcn_relu", "srvgg", "ecbsr", "ecbsr_rgb", "sesr", "sesr_rgb",
                                         "fsrcnnx", "fsrcnn_rgb"),
                         [](const auto& test) { return test.param; });

class OddNetworks : public testing::TestWithParam<std::string> {};

TEST_P(OddNetworks, MakeWhatPyTorchMakes) {
  const std::string dump = GetParam().substr(0, GetParam().find("_dynamo"));
  const GoldenDump golden = network_dump(dump);
  const Network network = load_network(network_file(GetParam() + ".onnx"));
  test::expect_output(network, golden, 2e-6);
  expect_survives(network);
}

INSTANTIATE_TEST_SUITE_P(All, OddNetworks,
                         testing::Values("normalised", "normalised_dynamo", "doubled", "batch", "sigmoid", "shuffled",
                                         "shuffled_dynamo", "shuffled_fixed", "paddings", "transposed", "blocks",
                                         "blocks_dynamo", "sized", "sized_dynamo", "sized_fixed"),
                         [](const auto& test) { return test.param; });

TEST(SaveNetwork, SaysWhichFormsHoldFsrcnnAlone) {
  const test::TemporaryFolder folder;
  const Network network = load_network(network_file("srvgg.onnx"));
  for (const char* form : {"n.npz", "n.h", "n.mem", "n.coe", "n/"}) {
    EXPECT_NE(test::error_of([&] { save_network(network, folder / form); })
                  .find("can only store an FSRCNN for luma with the same padding in all layers, but this is "
                        "SRVGGNetCompact(4, 2)"),
              std::string::npos)
        << form;
  }
  EXPECT_EQ(
      test::error_of([&] { save_network(network, folder / "n.pb"); }),
      "4: " + (folder / "n.pb").string() +
          ": a .pb file can only store what OpenCV's dnn_superres reads, an FSRCNN for luma with zero padding and "
          "a sub-pixel convolution as the last layer, but this is SRVGGNetCompact(4, 2); use .onnx, .safetensors "
          "or .pth");
  EXPECT_NE(test::error_of([&] {
              save_network(load_network(test::test_file("golden/tiny.safetensors")), folder / "n.pb");
            }).find("but this one ends in a deconvolution; add --tdc, which converts it"),
            std::string::npos);
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
}  // namespace fsrcnn
