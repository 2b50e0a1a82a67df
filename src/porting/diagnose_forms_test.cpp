// Right ports whose dumps or numbers look otherwise are called right, and how they were read is told; and what is
// forgiven hides no mistake.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "network/builtin.hpp"
#include "nn/pad2d.hpp"
#include "picture/colour.hpp"
#include "porting/diagnose.hpp"
#include "porting/dump_reading.hpp"
#include "porting/layer_port.hpp"
#include "porting/trace.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/port.hpp"

namespace fsrcnn::forms_test {
namespace {

using test::NewcomersPort;

const Network& x2() {
  static const Network model = *builtin_network("fsrcnn-x2");
  return model;
}

const Tensor<float>& photo() {
  static const Tensor<float> part = [] {
    const Tensor<float> all = read_input(test::test_file("data/crop.png"));
    Tensor<float> cut({1, 1, 24, 30});
    for (int64_t y = 0; y < 24; ++y) std::copy_n(all.row(0, 0, 20 + y) + 20, 30, cut.row(0, 0, y));
    return cut;
  }();
  return part;
}

std::vector<Tensor<float>> right_maps() { return NewcomersPort{x2()}.run(photo()); }

DiagnoseRequest request_of(const std::vector<Tensor<float>>& maps, bool every_layer = true) {
  DiagnoseRequest request{.network = &x2(), .input = photo(), .dumps = {}};
  for (size_t i = 0; i < maps.size(); ++i) {
    const bool tail = i + 1 == maps.size();
    if (tail || every_layer) request.dumps.push_back({tail ? "preds" : x2().layers[i].name, "f.npy", {maps[i]}});
  }
  return request;
}

Tensor<float> to_nhwc(const Tensor<float>& t) {
  const Shape s = t.shape();
  Tensor<float> result({1, s.h, s.w, s.c});
  for (int64_t c = 0; c < s.c; ++c)
    for (int64_t y = 0; y < s.h; ++y)
      for (int64_t x = 0; x < s.w; ++x) result(0, y, x, c) = t(0, c, y, x);
  return result;
}

/// Words of a scale and a zero point for each map, as after calibration.
struct Quantised {
  Tensor<float> words, values;
};

Quantised quantised(const Tensor<float>& t, double levels) {
  const auto [low, high] = std::minmax_element(t.values().begin(), t.values().end());
  const double scale = (std::max(*high, 0.0F) - static_cast<double>(std::min(*low, 0.0F))) / levels;
  const double zero = std::nearbyint(-std::min(*low, 0.0F) / scale);
  Quantised q{t, t};
  for (int64_t i = 0; i < t.count(); ++i) {
    q.words.data()[i] = static_cast<float>(std::nearbyint(t.data()[i] / scale) + zero);
    q.values.data()[i] = static_cast<float>((q.words.data()[i] - zero) * scale);
  }
  return q;
}

TEST(DiagnoseForms, NhwcByShapeIsRight) {
  std::vector<Tensor<float>> maps = right_maps();
  for (Tensor<float>& map : maps) map = to_nhwc(map);
  Diagnosis d = diagnose(request_of(maps));
  EXPECT_TRUE(d.right) << d.verdict;
  EXPECT_EQ(d.layers[2].form, "NHWC, by its shape");
  // Without a picture the first map tells its own shape.
  DiagnoseRequest request = request_of(maps);
  request.input.reset();
  EXPECT_TRUE(diagnose(request).right);
  // A mistake in it is still seen.
  maps = NewcomersPort{x2(), {{"bias_missing", 2}}}.run(photo());
  for (Tensor<float>& map : maps) map = to_nhwc(map);
  d = diagnose(request_of(maps));
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"bias_missing"}) << d.verdict;
}

TEST(DiagnoseForms, WeightsOfFewBitsAreNamedAndRight) {
  for (const NumberForm& form : number_forms()) {
    Network coarse = x2();
    for (size_t i = 0; i < coarse.layers.size(); ++i) {
      LayerPort port = right_port(coarse, i);
      form.apply(port);
      coarse.layers[i].weight = port.weight;
      coarse.layers[i].bias = port.bias;
      coarse.layers[i].slope = port.slope;
    }
    for (const bool every_layer : {true, false}) {
      const Diagnosis d = diagnose(request_of(NewcomersPort{coarse}.run(photo()), every_layer));
      EXPECT_TRUE(d.right) << form.words << ": " << d.verdict;
      EXPECT_NE(d.verdict.find(form.words), std::string::npos) << form.words << ": " << d.verdict;
    }
    if ((&form - number_forms().data()) % 4 != 0) continue;  // some of them, for they are slow to explain
    // With a missing bias they are wrong.
    const Diagnosis d = diagnose(request_of(NewcomersPort{coarse, {{"bias_missing", 3}}}.run(photo())));
    EXPECT_FALSE(d.right) << form.words;
    EXPECT_EQ(d.layer, x2().layers[3].name) << form.words;
  }
}

TEST(DiagnoseForms, MapsWithScaleAndZeroPointAreRight) {
  for (const double levels : {255.0, 1023.0, 65535.0}) {
    std::vector<Tensor<float>> words, values;
    for (const Tensor<float>& map : right_maps()) {
      const Quantised q = quantised(map, levels);
      words.push_back(q.words);
      values.push_back(q.values);
    }
    for (const auto& maps : {words, values}) {
      const Diagnosis d = diagnose(request_of(maps));
      EXPECT_TRUE(d.right) << levels << ": " << d.verdict;
    }
    const Diagnosis d = diagnose(request_of(words));
    EXPECT_TRUE(d.layers[1].form.starts_with("integers, value = (q")) << d.layers[1].form;
  }
}

TEST(DiagnoseForms, IntegersTimesAPowerOfTwoAreRight) {
  for (const int bits : {8, 10, 12}) {
    std::vector<Tensor<float>> maps = right_maps();
    for (Tensor<float>& map : maps) {
      for (float& v : map.values()) v = static_cast<float>(std::nearbyint(std::ldexp(v, bits)));
    }
    const Diagnosis d = diagnose(request_of(maps));
    EXPECT_TRUE(d.right) << bits << ": " << d.verdict;
    EXPECT_EQ(d.layers[3].form, fmt::format("integers, value = q / {}", 1 << bits));
  }
}

/// An integer port of x2() by scales that the network states, each layer of the integers before it; layer `wrong` with
/// a multiplier of its own.
DiagnoseRequest integer_port(Network& model, size_t wrong, double factor) {
  const std::vector<Tensor<float>> right = right_maps();
  DiagnoseRequest request{.network = &model, .input = photo(), .dumps = {}};
  Tensor<float> read = photo();
  for (size_t i = 0; i < right.size(); ++i) {
    const auto [low, high] = std::minmax_element(right[i].values().begin(), right[i].values().end());
    Quantisation& q = model.layers[i].quantisation.emplace();
    q.scale = (static_cast<double>(*high) - *low) / 254;
    q.zero_point = std::llround(-*low / q.scale) - 128;
    q.type = ElementType::i8;
    Tensor<float> words = compute(right_port(model, i), read);
    for (float& v : words.values()) {
      const double word = std::nearbyint(v * (i == wrong ? factor : 1) / q.scale) + static_cast<double>(q.zero_point);
      v = static_cast<float>(std::clamp(word, -128.0, 127.0));
    }
    read = dequantised(words, q);
    request.dumps.push_back({i + 1 == right.size() ? "preds" : model.layers[i].name, "f.npy", {std::move(words)}});
  }
  return request;
}

TEST(DiagnoseForms, IntegersAreReadByStatedScales) {
  Network model = x2();
  Diagnosis d = diagnose(integer_port(model, 99, 1));
  EXPECT_TRUE(d.right) << d.verdict;
  EXPECT_NE(d.verdict.find("its integers to a step of their scales"), std::string::npos) << d.verdict;
  // Scales that are found would fit a factor, too; stated ones do not.
  d = diagnose(integer_port(model, 3, 1.1));
  EXPECT_EQ(d.layer, "mapping 2") << d.verdict;
  EXPECT_EQ(d.mistakes, std::vector<std::string>{"multiplier"}) << d.verdict;
  EXPECT_NE(d.verdict.find("1.1 times what the scales give"), std::string::npos) << d.verdict;
  EXPECT_EQ(std::count_if(d.layers.begin(), d.layers.end(), [](const auto& l) { return !l.agrees; }), 1);
}

TEST(DiagnoseForms, StepsHideNoMistakes) {
  bool integers = false;
  for (const auto& mistake : std::vector<std::pair<std::string, size_t>>{
           {"bias_missing", 1}, {"bias_doubled", 3}, {"kernel_not_turned", 2}, {"slope_0.25", 4}}) {
    integers = !integers;
    std::vector<Tensor<float>> maps;
    for (const Tensor<float>& map : NewcomersPort{x2(), {mistake}}.run(photo())) {
      const Quantised q = quantised(map, 1023);
      maps.push_back(integers ? q.words : q.values);
    }
    const Diagnosis d = diagnose(request_of(maps));
    EXPECT_FALSE(d.right) << mistake.first << integers;
    EXPECT_EQ(d.layer, x2().layers[mistake.second].name) << mistake.first << integers << d.verdict;
  }
}

TEST(DiagnoseForms, PartsOfMapsAreRight) {
  const std::vector<Tensor<float>> maps = right_maps();
  for (const auto& [top, left, h, w] :
       std::vector<std::array<int64_t, 4>>{{4, 4, 40, 52}, {1, 1, 46, 58}, {7, 3, 20, 31}}) {
    Tensor<float> part({1, 1, h, w});
    for (int64_t y = 0; y < h; ++y) std::copy_n(maps.back().row(0, 0, top + y) + left, w, part.row(0, 0, y));
    DiagnoseRequest request = request_of(maps, false);
    request.dumps[0].tensor = {part};
    Diagnosis d = diagnose(request);
    EXPECT_TRUE(d.right) << d.verdict;
    EXPECT_EQ(d.layers[0].form,
              fmt::format("a part: rows {} to {}, columns {} to {}", top, top + h - 1, left, left + w - 1));
    // One that is wrong in one place is not.
    part(0, 0, h / 2, w / 2) += 0.25F;
    request.dumps[0].tensor = {part};
    d = diagnose(request);
    EXPECT_FALSE(d.right);
    ASSERT_TRUE(d.layers[0].evidence) << d.verdict;
    EXPECT_EQ(d.layers[0].evidence->worst, (std::vector<int64_t>{0, top + h / 2, left + w / 2}));
  }
}

TEST(DiagnoseForms, PicturesAreComparedByTheirLuma) {
  const Tensor<float> luma = right_maps().back();
  const Shape s = luma.shape();
  const auto in_8_bits = [](Tensor<float> t) {
    for (float& v : t.values()) v = std::nearbyint(std::clamp(v, 0.0F, 1.0F) * 255) / 255;
    return t;
  };
  Tensor<float> gray = luma, rgb({1, 3, s.h, s.w});
  luma_to_gray(gray);
  // Some colour, so that R, G and B differ; not so much that any is cut off.
  std::copy_n(luma.data(), luma.count(), rgb.plane(0, 0));
  std::fill_n(rgb.plane(0, 1), luma.count(), 120.0F / 255);
  std::fill_n(rgb.plane(0, 2), luma.count(), 135.0F / 255);
  ycbcr_to_rgb(rgb);
  for (const auto& [picture, form] : {std::pair{in_8_bits(luma), ""},
                                      {in_8_bits(gray), "the luma of a gray picture"},
                                      {in_8_bits(rgb), "the luma of an RGB picture"}}) {
    DiagnoseRequest request = request_of(right_maps(), false);
    request.dumps[0].tensor = {picture};
    request.dumps[0].is_picture = true;
    const Diagnosis d = diagnose(request);
    EXPECT_TRUE(d.right) << form << ": " << d.verdict;
    EXPECT_TRUE(d.layers[0].form.starts_with(form)) << d.layers[0].form;
  }
}

TEST(DiagnoseForms, AnOutputBeforeTheClampIsRightAndTold) {
  Network bright = x2();
  bright.layers.back().bias[0] += 0.4F;
  const std::vector<Tensor<float>> maps =
      NewcomersPort{bright, {{"clamp_missing", bright.layers.size() - 1}}}.run(photo());
  DiagnoseRequest request = request_of(maps);
  request.network = &bright;
  ASSERT_GT(*std::max_element(maps.back().values().begin(), maps.back().values().end()), 1);
  const Diagnosis d = diagnose(request);
  EXPECT_TRUE(d.right) << d.verdict;
  EXPECT_NE(d.verdict.find("the output is before the clamp"), std::string::npos) << d.verdict;
}

TEST(DiagnoseForms, ALayerThatIsCoarserThanTheOthersIsPointedAt) {
  for (const size_t layer : {size_t{1}, size_t{3}}) {
    for (const double steps : {4.0, 8.0}) {
      std::vector<Tensor<float>> maps = right_maps();
      for (float& v : maps[layer].values()) v = static_cast<float>(std::nearbyint(v * steps) / steps);
      DiagnoseRequest request = request_of({maps.begin(), maps.begin() + static_cast<std::ptrdiff_t>(layer) + 1});
      request.dumps.back().name = x2().layers[layer].name;
      const Diagnosis d = diagnose(request);
      EXPECT_FALSE(d.right);
      EXPECT_EQ(d.layer, x2().layers[layer].name);
      EXPECT_NE(d.verdict.find(fmt::format("{} comes in steps of 1/{}: coarser than the others", d.layer, steps)),
                std::string::npos)
          << d.verdict;
    }
  }
}

TEST(DiagnoseForms, AConstantOutputIsToldAsThat) {
  for (const float value : {0.0F, 1.0F, 0.25F}) {
    std::vector<Tensor<float>> maps = right_maps();
    std::fill(maps.back().values().begin(), maps.back().values().end(), value);
    for (const bool every_layer : {true, false}) {
      const Diagnosis d = diagnose(request_of(maps, every_layer));
      EXPECT_TRUE(d.mistakes.empty() && d.hypotheses.empty());
      EXPECT_NE(d.verdict.find(fmt::format("it is {} everywhere", value)), std::string::npos) << d.verdict;
    }
  }
  std::vector<Tensor<float>> maps = right_maps();
  for (float& v : maps.back().values()) v *= 0.5F;
  const Diagnosis d = diagnose(request_of(maps, false));
  EXPECT_NE(d.verdict.find("the output is 0.5 times what it should be"), std::string::npos) << d.verdict;
}

TEST(DiagnoseForms, AFewWrongValuesAreToldAndNoCauseIsGuessed) {
  std::vector<Tensor<float>> maps = right_maps();
  maps[2](0, 5, 7, 9) += 0.5F;
  const Diagnosis d = diagnose(request_of({maps[0], maps[1], maps[2], maps[3], maps[4], maps[5], maps[6], maps[7]}));
  EXPECT_FALSE(d.right);
  EXPECT_EQ(d.layer, x2().layers[2].name);
  EXPECT_TRUE(d.mistakes.empty());
  EXPECT_NE(d.verdict.find("one value of channel 5 at row 7, column 9 differs by 0.5"), std::string::npos) << d.verdict;
  EXPECT_NE(d.verdict.find("the rest is right"), std::string::npos) << d.verdict;
}

TEST(DiagnoseForms, ACropAsWideAsThePaddingIsNoMissingPadding) {
  std::vector<Tensor<float>> maps = right_maps();
  for (size_t i = 0; i + 1 < maps.size(); ++i) maps[i] = pad2d(maps[i], {-2, -2, -2, -2}, PaddingMode::zeros);
  const Diagnosis cropped = diagnose(request_of(maps));
  EXPECT_TRUE(cropped.right) << cropped.verdict;
  // Without padding in the first layer all behind is smaller.
  std::vector<LayerPort> layers;
  for (size_t i = 0; i < x2().layers.size(); ++i) layers.push_back(right_port(x2(), i));
  layers[0].pads = false;
  Tensor<float> x = photo();
  for (size_t i = 0; i < layers.size(); ++i) maps[i] = x = compute(layers[i], x);
  const Diagnosis unpadded = diagnose(request_of(maps));
  EXPECT_EQ(unpadded.mistakes, std::vector<std::string>{"padding_missing"}) << unpadded.verdict;
}

}  // namespace
}  // namespace fsrcnn::forms_test
