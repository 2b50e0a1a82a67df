#include "network/quantisation.hpp"

#include <gtest/gtest.h>

#include <string>

#include "network/builtin.hpp"
#include "network/describe.hpp"
#include "network/formats/safetensors.hpp"
#include "network/fsrcnn.hpp"
#include "network/network.hpp"
#include "support/golden.hpp"

namespace fsrcnn {
namespace {

Network small() { return builtin_network("fsrcnn-s-x2").value(); }

Network with(const std::string& text) {
  Network network = small();
  apply_scales(network, text, "s");
  return network;
}
std::string error(const std::string& text) {
  return test::error_of([&] { with(text); });
}

TEST(Scales, AreReadFromJsonAndText) {
  const std::string json =
      R"({"input": {"scale": 0.5, "type": "uint8"}, "mapping_1": {"scale": 0.25, "zero_point": -3, "type": "int8"},)"
      R"( "first_part.0": {"weight_scale": 2, "before_activation": {"scale": 4}}, "2": {"scale": 8}})";
  const Network network = with(json);
  EXPECT_EQ(network.input_quantisation, (Quantisation{0.5, 0, ElementType::u8}));
  EXPECT_EQ(network.layers[2].name, "mapping 1");
  EXPECT_EQ(network.layers[2].quantisation, (Quantisation{0.25, -3, ElementType::i8}));
  EXPECT_EQ(network.layers[0].quantisation, std::nullopt);
  EXPECT_EQ(network.layers[0].before_activation, (Quantisation{4, 0, std::nullopt}));
  EXPECT_EQ(network.layers[0].weight_scales, std::vector<double>{2});
  EXPECT_EQ(network.layers[1].quantisation, (Quantisation{8, 0, std::nullopt}));
  EXPECT_EQ(quantisation_text(network.layers[0]), "before the activation scale 4, zero point 0; weights 2");

  const Network lines = with("# comment\ninput 0.5 0 uint8\nMapping 1, 0.25, -3, int8\r\n\n2 8 0\n");
  EXPECT_EQ(lines.input_quantisation, network.input_quantisation);
  EXPECT_EQ(lines.layers[2].quantisation, network.layers[2].quantisation);
  EXPECT_EQ(lines.layers[1].quantisation, network.layers[1].quantisation);
}

TEST(Scales, SurviveARoundTripWithoutChangingTheHash) {
  Network network = small();
  EXPECT_EQ(format_scales(network), "");
  network.input_quantisation = Quantisation{1.0 / 255, 0, ElementType::u8};
  for (Layer& layer : network.layers) {
    layer.quantisation = Quantisation{0.1, 7, ElementType::i16};
    layer.weight_scales.assign(static_cast<size_t>(layer.out_channels()), 0.003);
  }
  network.layers[1].before_activation = Quantisation{0.7, -1, ElementType::i32};
  EXPECT_EQ(canonical_bytes(network), canonical_bytes(small()));
  const std::string text = format_scales(network);
  EXPECT_EQ(format_scales(with(text)), text);
  // In a file with the weights.
  const StateDict tensors = parse_safetensors(format_safetensors(to_state_dict(network)), "x");
  EXPECT_EQ(format_scales(network_from_state_dict(tensors, "x")), text);
}

TEST(Scales, ReportErrors) {
  EXPECT_NE(error("{\"mapping 9\": {\"scale\": 1}}")
                .find("4: s: 'mapping 9' is not a layer of the network; its layers: input, "),
            std::string::npos);
  EXPECT_NE(error("{\"input\": {\"scale\": 0}}").find("'input' has the scale 0; expected a number above 0"),
            std::string::npos);
  EXPECT_NE(error("{\"input\": {\"zero_point\": 1}}").find("has no scale, or one that is not a number"),
            std::string::npos);
  EXPECT_NE(error("{\"1\": {\"scale\": 1, \"zero_point\": 200, \"type\": \"int8\"}}")
                .find("has the zero point 200; expected -128 to 127"),
            std::string::npos);
  EXPECT_NE(error("{\"1\": {\"scale\": 1, \"type\": \"int4\"}}").find("has the unknown type 'int4'; supported: uint8"),
            std::string::npos);
  EXPECT_NE(error("{\"1\": {\"scales\": 1}}").find("has the unknown member 'scales'"), std::string::npos);
  EXPECT_NE(error("{\"1\": {\"weight_scale\": [1, 2]}}").find("or a list with one for each output channel"),
            std::string::npos);
  EXPECT_NE(error("input 0.5\n").find("'line 1' is incomplete; expected NAME SCALE ZERO_POINT [TYPE]"),
            std::string::npos);
  EXPECT_NE(error("input 0.5 1e\n").find("has '1e'; expected a number"), std::string::npos);
  EXPECT_NE(error("\n").find("there are no scales"), std::string::npos);
  EXPECT_NE(error("{").find("the scales are not a valid JSON object"), std::string::npos);
}

}  // namespace
}  // namespace fsrcnn
