// From a picture and an output alone: mistakes that are not in the numbers of a layer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "engine/reference_network.hpp"
#include "network/builtin.hpp"
#include "nn/conv2d.hpp"
#include "porting/diagnose.hpp"
#include "porting/dumped_network.hpp"
#include "porting/kept_layers.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"

namespace fsrcnn {
namespace {

using Plant = std::function<void(LayerPort&)>;

const Network& model() {
  static const Network network = *builtin_network("fsrcnn-x2");
  return network;
}

const Tensor<float>& luma() {
  static const Tensor<float> part = [] {
    const Tensor<float> photo = read_input(test::test_file("data/crop.png"));
    Tensor<float> t({1, 1, 22, 24});
    for (int64_t y = 0; y < 22; ++y) std::copy_n(photo.row(0, 0, y + 20) + 30, 24, t.row(0, 0, y));
    return t;
  }();
  return part;
}

/// What a port writes with something planted at one layer, and what is said of it and the picture alone.
Diagnosis diagnose_ends(size_t layer, const Plant& plant, const Tensor<float>& read = luma()) {
  std::vector<LayerPort> ports;
  for (size_t i = 0; i < model().layers.size(); ++i) ports.push_back(right_port(model(), i));
  plant(ports[layer]);
  return diagnose({.network = &model(), .input = luma(), .dumps = {{"preds", "preds.npy", {run(ports, read)}}}});
}

TensorOp each(const std::function<float(float)>& f) {
  return [f](const Tensor<float>& t) {
    Tensor<float> to = t;
    for (float& v : to.values()) v = f(v);
    return to;
  };
}

constexpr size_t kMapping1 = 2, kMapping2 = 3;

TEST(Ends, NameRulesForTheKernelsOfAnyLayer) {
  const Diagnosis d = diagnose_ends(kMapping2, [](LayerPort& p) {
    for (float& w : p.weight.values()) w = std::abs(w);
  });
  EXPECT_EQ(d.layer, "mapping 2");
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"kernels_absolute"}) << d.verdict;
}

TEST(Ends, NameWhatWasDoneToThePicture) {
  Tensor<float> read = luma();
  for (float& v : read.values()) v = std::pow(v, 0.8F);
  const Diagnosis d = diagnose_ends(
      0, [](LayerPort&) {}, read);
  EXPECT_EQ(d.layer, model().layers[0].name) << d.verdict;
  ASSERT_FALSE(d.mistakes.empty());
  EXPECT_NE(d.verdict.find("0.8"), std::string::npos) << d.verdict;
}

TEST(Ends, TellAnotherPictureThatNoRuleMakes) {
  Tensor<float> read = luma();
  for (int64_t i = 0; i < read.count(); ++i) read.data()[i] += 0.02F * std::sin(0.7F * static_cast<float>(i * i % 89));
  const Diagnosis d = diagnose_ends(
      0, [](LayerPort&) {}, read);
  EXPECT_EQ(d.layer, model().layers[0].name);
  EXPECT_TRUE(d.mistakes.empty());
  EXPECT_NE(d.verdict.find("reads another input"), std::string::npos) << d.verdict;
}

TEST(Ends, TellTheLayerWhoseValuesFollowAnotherCurve) {
  const Diagnosis d = diagnose_ends(
      kMapping2, [](LayerPort& p) { p.after.push_back(each([](float v) { return 0.4F * std::tanh(2.5F * v); })); });
  EXPECT_EQ(d.layer, "mapping 2") << d.verdict;
  EXPECT_TRUE(d.mistakes.empty());
  EXPECT_NE(d.verdict.find("cannot be named"), std::string::npos) << d.verdict;
}

TEST(Ends, WhatALayerStoresWronglyIsNotBlamedOnItsReader) {
  const Diagnosis d = diagnose_ends(kMapping1, [](LayerPort& p) {
    p.after.emplace_back([](const Tensor<float>& t) {
      Tensor<float> to = t;
      const Shape s = t.shape();
      for (int64_t c = 0; c < s.c; ++c) std::fill_n(to.row(0, c, s.h - 1), s.w, 0.0F);
      return to;
    });
  });
  EXPECT_EQ(d.layer, "mapping 1") << d.verdict;
  EXPECT_NE(d.verdict.find("mapping 2 may as well read it so"), std::string::npos) << d.verdict;
}

TEST(KeptLayers, AreThoseOfTheirWeightsAndParameters) {
  const Tensor<float> input = test::random_tensor({1, 3, 9, 8}, 1);
  for (const int round : {0, 1}) {
    for (uint32_t seed = 0; seed < 40; ++seed) {  // more than are kept
      const Tensor<float> weight = test::random_tensor({4, 3, 3, 3}, seed);
      for (const int64_t padding : {0, 1}) {
        const Conv2dParams params{.padding = {padding, padding}};
        EXPECT_EQ(kept_conv2d(input, weight, params), conv2d(input, weight, {}, params)) << seed << ' ' << round;
      }
    }
  }
}

}  // namespace
}  // namespace fsrcnn
