#include "model/model.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.hpp"
#include "model/builtin.hpp"
#include "model/formats/safetensors.hpp"
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

TEST(Model, ReadsItsSizesOffTheShapes) {
  const Model model = model_from_state_dict(tiny(), "tiny");
  EXPECT_EQ(model.d, 4);
  EXPECT_EQ(model.s, 2);
  EXPECT_EQ(model.m, 1);
  EXPECT_EQ(model.scale, 3);
  ASSERT_EQ(model.layers.size(), 5U);
  EXPECT_EQ(model.layers[2].name, "mapping 1");
  EXPECT_EQ(model.layers[3].key, "mid_part.4");
  EXPECT_EQ(model.layers[4].weight.shape(), (Shape{4, 1, 9, 9}));
}

TEST(Model, CountsAsThePaperDoes) {
  const Model model = builtin_model("fsrcnn-x2").value();
  int64_t parameters = 0, multiply_adds = 0;
  for (const Layer& layer : model.layers) {
    parameters += layer.parameter_count();
    multiply_adds += layer.multiply_adds();
  }
  EXPECT_EQ(parameters, 12809);
  EXPECT_EQ(multiply_adds, 12464);
  EXPECT_EQ(model.scale, 2);
  EXPECT_EQ(model.halo(), 8);
  EXPECT_FALSE(builtin_model("fsrcnn-x5").has_value());
}

TEST(Model, SurvivesTheWayToAStateDictAndBack) {
  const StateDict original = tiny();
  const StateDict again = to_state_dict(model_from_state_dict(original, "tiny"));
  EXPECT_EQ(again.metadata, original.metadata);
  ASSERT_EQ(again.tensors.size(), original.tensors.size());
  for (const NamedTensor& tensor : again.tensors) EXPECT_EQ(tensor, *original.find(tensor.name));
}

TEST(Model, TakesOneSlopeForAllAndDataParallelNames) {
  StateDict state_dict = tiny();
  tensor_of(state_dict, "mid_part.3.weight") = {"mid_part.3.weight", {1}, {0.25F}};
  for (NamedTensor& tensor : state_dict.tensors) tensor.name = "module." + tensor.name;
  EXPECT_EQ(model_from_state_dict(state_dict, "tiny").layers[2].slope, std::vector<float>{0.25F});
}

TEST(Model, TellsASubPixelConvolutionByItsShape) {
  StateDict state_dict = tiny();
  state_dict.metadata.clear();
  tensor_of(state_dict, "last_part.weight") = {"last_part.weight", {9, 4, 3, 3}, std::vector<float>(9 * 4 * 9, 0.5F)};
  tensor_of(state_dict, "last_part.bias") = {"last_part.bias", {9}, std::vector<float>(9, 0.25F)};
  const Model model = model_from_state_dict(state_dict, "tiny");
  EXPECT_EQ(model.tail, Tail::sub_pixel_convolution);
  EXPECT_EQ(model.scale, 3);
  EXPECT_EQ(model.halo(), 2 + 1 + 1);
  EXPECT_EQ(model.layers.back().name, "sub-pixel convolution");
  EXPECT_EQ(model_from_state_dict(to_state_dict(model), "again").tail, Tail::sub_pixel_convolution);
  EXPECT_EQ(error_of([&] { model_from_state_dict(state_dict, "w.pth", 2); }),
            "4: w.pth: these weights are for scale 3, not 2");
  for (const int64_t k : {2, 7, 9}) {
    tensor_of(state_dict, "last_part.weight") = {
        "last_part.weight", {9, 4, k, k}, std::vector<float>(static_cast<size_t>(9 * 4 * k * k), 0.5F)};
    EXPECT_NE(error_of([&] {
                model_from_state_dict(state_dict, "w.pth");
              }).find(fmt::format("a sub-pixel convolution to 3 x 3 phases of kernel {0} x {0}, but only kernels", k)),
              std::string::npos);
  }
}

TEST(Model, NamesTheTensorThatIsWrong) {
  const auto message = [](auto change, std::optional<int64_t> scale = std::nullopt) {
    StateDict state_dict = tiny();
    change(state_dict);
    return error_of([&] { model_from_state_dict(state_dict, "w.pth", scale); });
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
            "4: w.pth: tensor 'extra' (1) is none of FSRCNN's; this seems to be another network");
  EXPECT_EQ(message([](StateDict& s) { s.tensors.clear(); }),
            "4: w.pth: tensor 'first_part.0.weight' is missing; the file has no tensors at all");
  EXPECT_EQ(message([](StateDict&) {}, 2), "4: w.pth: these weights are for scale 3, not 2");
  EXPECT_EQ(message([](StateDict& s) { s.metadata["scale"] = "5"; }),
            "4: w.pth: the scale is 5, but must be 2, 3 or 4");
  EXPECT_EQ(message([](StateDict& s) { s.metadata["scale"] = "2x"; }),
            "4: w.pth: the metadata's scale is '2x', but must be 2, 3 or 4");
  EXPECT_EQ(message([](StateDict& s) { s.metadata["padding_mode"] = "reflect"; }),
            "4: w.pth: the metadata's padding_mode is 'reflect', but must be zeros or replicate");
}

TEST(Model, AsksForTheScaleThatShapesDoNotTell) {
  StateDict state_dict = tiny();
  state_dict.metadata.clear();
  const Model model = model_from_state_dict(state_dict, "w.pth");
  EXPECT_EQ(model.scale, 0);
  EXPECT_EQ(error_of([&] { require_scale(model, "w.pth"); }),
            "4: w.pth: the shapes of a deconvolution do not tell its scale; give it with --model-scale 2, 3 or 4");
  EXPECT_EQ(model_from_state_dict(state_dict, "w.pth", 4).scale, 4);
}

}  // namespace
}  // namespace fsrcnn
