#include "network/fsrcnn.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/file.hpp"
#include "network/builtin.hpp"
#include "network/formats/safetensors.hpp"
#include "support/golden.hpp"

namespace fsrcnn {
namespace {

using test::error_of;

StateDict tiny() {
  const auto path = test::test_file("golden/tiny.safetensors");
  return parse_safetensors(read_file(path, 1 << 20), "tiny");
}

NamedTensor& tensor_of(StateDict& state_dict, const std::string& name) {
  return const_cast<NamedTensor&>(*state_dict.find(name));
}

TEST(FsrcnnWeights, ReadsItsSizesOffTheShapes) {
  const Network model = network_from_state_dict(tiny(), "tiny");
  EXPECT_EQ(fsrcnn_shape(model), (FsrcnnShape{4, 2, 1}));
  EXPECT_EQ(model.family, "FSRCNN(4, 2, 1)");
  EXPECT_EQ(model.scale, 3);
  ASSERT_EQ(model.layers.size(), 5U);
  EXPECT_EQ(model.layers[2].name, "mapping 1");
  EXPECT_EQ(model.layers[3].key, "mid_part.4");
  EXPECT_EQ(model.layers[4].weight.shape(), (Shape{4, 1, 9, 9}));
}

TEST(FsrcnnWeights, CountsAsThePaperDoes) {
  const Network model = builtin_network("fsrcnn-x2").value();
  EXPECT_EQ(model.parameter_count(), 12809);
  EXPECT_EQ(model.multiply_adds(), 12464);
  EXPECT_EQ(model.scale, 2);
  EXPECT_EQ(model.halo(), 8);
  EXPECT_FALSE(builtin_network("fsrcnn-x5").has_value());
}

TEST(FsrcnnWeights, SurvivesTheWayToAStateDictAndBack) {
  const StateDict original = tiny();
  const StateDict again = to_state_dict(network_from_state_dict(original, "tiny"));
  EXPECT_EQ(again.metadata, original.metadata);
  ASSERT_EQ(again.tensors.size(), original.tensors.size());
  for (const NamedTensor& tensor : again.tensors) EXPECT_EQ(tensor, *original.find(tensor.name));
}

TEST(FsrcnnWeights, TakesOneSlopeForAllAndDataParallelNames) {
  StateDict state_dict = tiny();
  tensor_of(state_dict, "mid_part.3.weight") = {"mid_part.3.weight", {1}, {0.25F}};
  for (NamedTensor& tensor : state_dict.tensors) tensor.name = "module." + tensor.name;
  EXPECT_EQ(network_from_state_dict(state_dict, "tiny").layers[2].slope, std::vector<float>{0.25F});
}

TEST(FsrcnnWeights, TellsASubPixelConvolutionByItsShape) {
  StateDict state_dict = tiny();
  state_dict.metadata.clear();
  tensor_of(state_dict, "last_part.weight") = {"last_part.weight", {9, 4, 3, 3}, std::vector<float>(9 * 4 * 9, 0.5F)};
  tensor_of(state_dict, "last_part.bias") = {"last_part.bias", {9}, std::vector<float>(9, 0.25F)};
  const Network model = network_from_state_dict(state_dict, "tiny");
  EXPECT_EQ(model.layers.back().op, Layer::Op::depth_to_space);
  EXPECT_EQ(model.scale, 3);
  EXPECT_EQ(model.halo(), 2 + 1 + 1);
  EXPECT_EQ(model.layers.back().name, "sub-pixel convolution");
  EXPECT_EQ(canonical_bytes(network_from_state_dict(to_state_dict(model), "again")), canonical_bytes(model));
  EXPECT_EQ(error_of([&] { network_from_state_dict(state_dict, "w.pth", 2); }),
            "4: w.pth: these weights are for scale 3, not 2");
  for (const int64_t k : {2, 7, 9}) {
    tensor_of(state_dict, "last_part.weight") = {
        "last_part.weight", {9, 4, k, k}, std::vector<float>(static_cast<size_t>(9 * 4 * k * k), 0.5F)};
    EXPECT_NE(error_of([&] {
                network_from_state_dict(state_dict, "w.pth");
              }).find(fmt::format("a sub-pixel convolution to 3x3 phases with kernel {0}x{0}; supported kernels", k)),
              std::string::npos);
  }
}

TEST(FsrcnnWeights, NamesTheTensorThatIsWrong) {
  const auto message = [](auto change, std::optional<int64_t> scale = std::nullopt) {
    StateDict state_dict = tiny();
    change(state_dict);
    return error_of([&] { network_from_state_dict(state_dict, "w.pth", scale); });
  };
  for (const NamedTensor& tensor : tiny().tensors) {
    const std::string missing =
        message([&](StateDict& s) { std::erase_if(s.tensors, [&](auto& t) { return t.name == tensor.name; }); });
    EXPECT_TRUE(missing.starts_with("4: w.pth: tensor '" + tensor.name + "' is missing")) << missing;
    const std::string misshapen = message([&](StateDict& s) {
      tensor_of(s, tensor.name).shape.push_back(2);
      tensor_of(s, tensor.name).values.resize(2 * tensor.values.size());
    });
    EXPECT_NE(misshapen.find("tensor '" + tensor.name + "' has shape"), std::string::npos) << misshapen;
    const std::string not_finite = message([&](StateDict& s) { tensor_of(s, tensor.name).values.back() = NAN; });
    EXPECT_NE(not_finite.find("tensor '" + tensor.name + "' has the value nan at index " +
                              std::to_string(tensor.values.size() - 1)),
              std::string::npos)
        << not_finite;
  }
  EXPECT_EQ(message([](StateDict& s) {
              s.tensors.push_back({"extra", {1}, {1}});
            }),
            "4: w.pth: unexpected tensor 'extra' (1); this seems to be a different network");
  EXPECT_EQ(message([](StateDict& s) { s.tensors.clear(); }),
            "4: w.pth: tensor 'first_part.0.weight' is missing; the file has no tensors at all");
  EXPECT_EQ(message([](StateDict&) {}, 2), "4: w.pth: these weights are for scale 3, not 2");
  EXPECT_EQ(message([](StateDict& s) { s.metadata["scale"] = "9"; }),
            "4: w.pth: the metadata's scale is '9', but must be 2 to 8");
  EXPECT_EQ(message([](StateDict& s) { s.metadata["scale"] = "2x"; }),
            "4: w.pth: the metadata's scale is '2x', but must be 2 to 8");
  EXPECT_EQ(message([](StateDict& s) { s.metadata["padding_mode"] = "reflect"; }),
            "4: w.pth: the metadata's padding_mode is 'reflect', but must be zeros or replicate");
}

TEST(FsrcnnWeights, AsksForTheScaleThatShapesDoNotTell) {
  StateDict state_dict = tiny();
  state_dict.metadata.clear();
  const Network model = network_from_state_dict(state_dict, "w.pth");
  EXPECT_EQ(model.scale, 0);
  EXPECT_EQ(error_of([&] { require_scale(model, "w.pth"); }),
            "4: w.pth: the shapes of a deconvolution do not determine its scale; give it with --model-scale 2, 3 or 4");
  EXPECT_EQ(network_from_state_dict(state_dict, "w.pth", 4).scale, 4);
}

/// The tensors under other names, in this order.
StateDict renamed(const StateDict& from, const std::vector<std::pair<std::string, std::string>>& names) {
  StateDict to;
  for (const auto& [own, other] : names) {
    to.tensors.push_back(*from.find(own));
    to.tensors.back().name = other;
  }
  return to;
}

const std::vector<std::pair<std::string, std::string>> kOtherNames = {
    {"first_part.0.weight", "Conv1.0.weight"}, {"first_part.0.bias", "Conv1.0.bias"},
    {"first_part.1.weight", "Conv1.1.weight"}, {"mid_part.0.weight", "Conv2.0.weight"},
    {"mid_part.0.bias", "Conv2.0.bias"},       {"mid_part.1.weight", "Conv2.1.weight"},
    {"mid_part.2.weight", "Conv3.0.weight"},   {"mid_part.2.bias", "Conv3.0.bias"},
    {"mid_part.3.weight", "Conv3.1.weight"},   {"mid_part.4.weight", "Conv4.0.weight"},
    {"mid_part.4.bias", "Conv4.0.bias"},       {"mid_part.5.weight", "Conv4.1.weight"},
    {"last_part.weight", "DeConv.weight"},     {"last_part.bias", "DeConv.bias"}};

void expect_tiny(const StateDict& state_dict) {
  const Network network = network_from_state_dict(state_dict, "w", 3);
  EXPECT_EQ(canonical_bytes(network), canonical_bytes(network_from_state_dict(tiny(), "tiny")));
  ASSERT_FALSE(network.notes.empty());
  EXPECT_EQ(network.layers[2].name, "mapping 1");
  EXPECT_EQ(network.layers[2].key, "mid_part.2");
}

TEST(OtherNames, AreChainedInTheFilesOrder) {
  expect_tiny(renamed(tiny(), kOtherNames));
  StateDict wrapped = renamed(tiny(), kOtherNames);
  for (NamedTensor& tensor : wrapped.tensors) tensor.name = "model.module." + tensor.name;
  expect_tiny(wrapped);
}

TEST(LayersText, KeepsKeysThatBeginLikeAWrapper) {
  Network network = network_from_state_dict(tiny(), "tiny");
  network.layers[1].activation = Layer::Activation::tanh;  // not FSRCNN's
  network.layers[1].slope.clear();
  for (Layer& layer : network.layers) {
    layer.key = "model." + layer.key;
    if (layer.activation == Layer::Activation::prelu) layer.activation_key = "model." + layer.activation_key;
  }
  StateDict state_dict = to_state_dict(network);
  EXPECT_EQ(canonical_bytes(network_from_state_dict(state_dict, "w")), canonical_bytes(network));
  for (NamedTensor& tensor : state_dict.tensors) tensor.name = "params." + tensor.name;
  EXPECT_EQ(canonical_bytes(network_from_state_dict(state_dict, "w")), canonical_bytes(network));
}

TEST(OtherNames, AreChainedByTheirShapesWhereAFileSortsThem) {
  StateDict sorted = renamed(tiny(), kOtherNames);
  for (NamedTensor& tensor : sorted.tensors) {
    // The last layer's names come first, and all slopes before all convolutions.
    if (tensor.name.starts_with("DeConv")) tensor.name = "a_up" + tensor.name.substr(6);
    if (tensor.shape.size() == 1 && tensor.name.ends_with(".weight")) tensor.name = "act" + tensor.name.substr(4);
  }
  std::sort(sorted.tensors.begin(), sorted.tensors.end(), [](auto& a, auto& b) { return a.name < b.name; });
  expect_tiny(sorted);
}

TEST(OtherNames, MayHaveAllPrelusAfterAllConvolutionsOrOneForAll) {
  std::vector<std::pair<std::string, std::string>> names;
  for (const bool slopes : {false, true}) {
    for (const auto& [own, other] : kOtherNames) {
      const bool slope = own.ends_with("1.weight") || own.ends_with("3.weight") || own.ends_with("5.weight");
      if (slope == slopes) names.emplace_back(own, slope ? "prelu" + std::to_string(names.size()) + ".weight" : other);
    }
  }
  expect_tiny(renamed(tiny(), names));
  StateDict one = renamed(tiny(), names);
  one.tensors.resize(one.tensors.size() - 4);
  one.tensors.push_back({"prelu.weight", {1}, {0.25F}});
  const Network network = network_from_state_dict(one, "w", 3);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(network.layers[i].slope, std::vector<float>{0.25F});
}

TEST(OtherNames, WithoutSlopesOrBiasesAreReadAsReluAndToldSo) {
  StateDict bare;
  for (const NamedTensor& tensor : renamed(tiny(), kOtherNames).tensors) {
    if (tensor.shape.size() == 4) bare.tensors.push_back(tensor);
  }
  const Network network = network_from_state_dict(bare, "w", 3);
  EXPECT_EQ(network.layers[1].activation, Layer::Activation::relu);
  EXPECT_EQ(network.layers[4].activation, Layer::Activation::none);
  EXPECT_EQ(network.layers[0].bias, std::vector<float>(4, 0));
  EXPECT_NE(network.notes.back().find("ReLU was assumed"), std::string::npos);
  // ReLU is written as slopes of 0, and is ReLU again.
  EXPECT_EQ(canonical_bytes(network_from_state_dict(to_state_dict(network), "w")), canonical_bytes(network));
}

TEST(OtherNames, AreRefusedWhereTheyDoNotFit) {
  StateDict broken = renamed(tiny(), kOtherNames);
  std::erase_if(broken.tensors, [](auto& t) { return t.name.starts_with("Conv2."); });
  EXPECT_NE(error_of([&] {
              network_from_state_dict(broken, "w");
            }).find("4 convolutions do not form a chain: 'Conv1.0.weight' (4, 1, 5, 5), "),
            std::string::npos);
  StateDict extra = renamed(tiny(), kOtherNames);
  extra.tensors.push_back({"attention.weight", {4, 4}, std::vector<float>(16, 1)});
  EXPECT_EQ(error_of([&] { network_from_state_dict(extra, "w"); }),
            "4: w: tensor 'attention.weight' (4, 4) does not belong to a network of convolutions");
}

TEST(LayersText, HoldsEveryNetworkAndRefusesWhatItDoesNotKnow) {
  Network network = network_from_state_dict(tiny(), "tiny");
  network.layers[0].conv.padding_mode = PaddingMode::replicate;  // unlike the others
  const StateDict state_dict = to_state_dict(network);
  ASSERT_TRUE(state_dict.metadata.contains("layers"));
  EXPECT_EQ(canonical_bytes(network_from_state_dict(state_dict, "w")), canonical_bytes(network));
  const auto with = [&](const std::string& from, const std::string& to) {
    StateDict changed = state_dict;
    std::string& text = changed.metadata["layers"];
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return error_of([&] { network_from_state_dict(changed, "w"); });
  };
  EXPECT_NE(with("\"padding\"", "\"paddings\"").find("layer 0 of the metadata has the unknown member 'paddings'"),
            std::string::npos);
  EXPECT_NE(with("\"replicate\"", "\"reflect\"").find("has the unknown padding_mode 'reflect'"), std::string::npos);
  EXPECT_NE(with("[2,2]", "[2,3]").find("changes the size of the picture"), std::string::npos);
  EXPECT_NE(with("\"inputs\":[-1]", "\"inputs\":[0]").find("reads layer 0, which is not before it"), std::string::npos);
  EXPECT_NE(with("\"key\":\"mid_part.0\"", "\"key\":\"mid_part.9\"").find("tensor 'mid_part.9.weight' is missing"),
            std::string::npos);
  EXPECT_NE(with("[{", "{").find("the layers in its metadata are not a list"), std::string::npos);
}

}  // namespace
}  // namespace fsrcnn
