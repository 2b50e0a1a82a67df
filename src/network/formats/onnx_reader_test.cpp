// Graphs that are made here, node by node.
#include "network/formats/onnx_reader.hpp"

#include <gtest/gtest.h>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

constexpr int64_t kFloat = 1;

OnnxNode node(const std::string& op, std::vector<std::string> inputs, std::vector<OnnxAttribute> attributes = {}) {
  static int count = 0;
  const std::string output = inputs.back() == "to y" ? "y" : fmt::format("{} {}", op, ++count);
  if (output == "y") inputs.pop_back();
  return {op, op, "", std::move(inputs), {output}, std::move(attributes)};
}
OnnxAttribute order(std::vector<int64_t> axes) {
  OnnxAttribute a{.name = "perm", .type = OnnxAttribute::integers_};
  a.integers = std::move(axes);
  return a;
}
OnnxAttribute blocks_of_two() {
  OnnxAttribute a{.name = "blocksize", .type = OnnxAttribute::integer_};
  a.integer = 2;
  return a;
}

/// (N, H, W, C) in and out, if the perms say so.
Network read(const std::vector<int64_t>& shape, const std::vector<int64_t>& to_first, bool with_offset = false) {
  OnnxGraph graph;
  graph.opset = 13;
  graph.inputs = {{"x", kFloat, shape}};
  graph.outputs = {"y"};
  graph.constants["w"] = {"w", {4, 1, 1, 1}, {1, 2, 3, 4}};
  graph.constants["offset"] = {"offset", {}, {0.5}};
  std::string from = "x";
  const auto add = [&](OnnxNode made) {
    from = made.outputs[0];
    graph.nodes.push_back(std::move(made));
  };
  if (with_offset) add(node("Add", {from, "offset"}));
  if (!to_first.empty()) add(node("Transpose", {from}, {order(to_first)}));
  add(node("Conv", {from, "w"}));
  add(node("DepthToSpace", {from}, {blocks_of_two()}));
  add(node("Transpose", {from, "to y"}, {order({0, 2, 3, 1})}));
  return OnnxReader(graph, "x").read();
}

TEST(OnnxReader, ReadsChannelsThatAreLast) {
  for (const bool with_offset : {false, true}) {
    for (const std::vector<int64_t>& shape :
         {std::vector<int64_t>{1, 0, 0, 1}, {0, 0, 0, 0}, {1, 20, 30, 1}, {1, 1, 1, 1}, {1, 1, 30, 1}}) {
      const Network network = read(shape, {0, 3, 1, 2}, with_offset);
      EXPECT_EQ(network.scale, 2) << to_string(shape);
      EXPECT_EQ(network.channels(), 1) << to_string(shape);
    }
  }
  EXPECT_EQ(read({1, 0, 0, 0}, {}).channels(), 1);
  EXPECT_EQ(read({1, 1, 20, 1}, {}).channels(), 1);
}

TEST(OnnxReader, SaysThatNothingTellsTheChannels) {
  const std::string error = test::error_of([] { read({1, 0, 0, 1}, {0, 2, 3, 1}); });
  EXPECT_NE(error.find("neither the shape (1, ?, ?, 1) of its input 'x' nor a convolution that reads it tells how many "
                       "channels it has"),
            std::string::npos)
      << error;
}

TEST(OnnxReader, SaysWhichScaleOfAResizeIsWrong) {
  const auto resized = [](std::vector<double> scales) {
    OnnxGraph graph;
    graph.opset = 13;
    graph.inputs = {{"x", kFloat, {1, 1, 0, 0}}};
    graph.outputs = {"y"};
    graph.constants["s"] = {"s", {4}, std::move(scales)};
    graph.nodes = {node("Resize", {"x", "", "s", "to y"})};
    return test::error_of([&] { OnnxReader(graph, "x").read(); });
  };
  EXPECT_EQ(resized({1, 1, 2, 2}), "no error");
  EXPECT_NE(resized({1, 2, 2, 2}).find("enlarges the batch 1 times and the channels 2 times; both must be 1"),
            std::string::npos);
  EXPECT_NE(resized({1, 1, 2, 3}).find("2 times in height and 3 times in width"), std::string::npos);
}

}  // namespace
}  // namespace fsrcnn
