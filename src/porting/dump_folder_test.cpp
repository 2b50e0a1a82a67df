#include "porting/dump_folder.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <set>

#include <fmt/format.h>

#include "base/atomic_output.hpp"
#include "engine/reference_network.hpp"
#include "network/builtin.hpp"
#include "network/formats/npz.hpp"
#include "network/formats/pytorch.hpp"
#include "porting/trace.hpp"
#include "support/golden.hpp"
#include "support/networks.hpp"
#include "support/temporary_folder.hpp"

namespace fsrcnn {
namespace {
namespace fs = std::filesystem;

constexpr Shape kInput{1, 1, 10, 12};

/// Files of the maps of a network by their names.
class DumpFolderTest : public testing::Test {
 protected:
  void put(const std::string& name, const Shape& shape) {
    fs::create_directories((folder_.path() / name).parent_path());
    write_file(folder_.path() / name, format_npy(test::random_tensor(shape, seed_++)));
  }

  Shape shape(size_t layer) const {
    const ValueShape s = shape_at(model_, {static_cast<int64_t>(layer), true});
    return {1, s.channels, kInput.h * s.scale, kInput.w * s.scale};
  }

  /// The names of the places, in order, of what was found.
  std::vector<std::string> found(const std::optional<Shape>& input = kInput) {
    result_ = read_dump_folder(folder_.path(), model_, input);
    std::vector<std::string> names;
    for (const Dump& d : result_.dumps) names.push_back(d.name);
    return names;
  }

  const std::vector<std::string> all_ = {"feature_extraction", "shrinking", "mapping_1", "mapping_2",
                                         "mapping_3",          "mapping_4", "expanding", "preds"};
  Network model_ = *builtin_network("fsrcnn-x2");
  test::TemporaryFolder folder_;
  uint32_t seed_ = 1;
  DumpFolder result_;
};

TEST_F(DumpFolderTest, ReadsWhatTraceWritesAndTellsTheRest) {
  const fs::path to = folder_.path() / "dumps";
  write_trace(model_, test::random_tensor(kInput, 3), {}, to);
  result_ = read_dump_folder(to, model_, kInput);
  EXPECT_EQ(result_.dumps.size(), 16U);
  std::set<std::string> reasons;
  for (const UnusedFile& u : result_.unused) reasons.insert(u.reason);
  EXPECT_EQ(reasons, (std::set<std::string>{"its format is not one that dumps are read from",
                                            "the input, which is given apart", "a step within deconvolution"}));
}

TEST_F(DumpFolderTest, KnowsFilesByNumber) {
  for (const int first : {0, 1}) {
    for (size_t i = 0; i < all_.size(); ++i)
      put(fmt::format("{}/layer_{:02}.npy", first, first + static_cast<int>(i)), shape(i));
    result_ = read_dump_folder(folder_.path() / std::to_string(first), model_, kInput);
    ASSERT_EQ(result_.dumps.size(), 8U);
    EXPECT_EQ(result_.dumps[3].name, "mapping_2");
    EXPECT_EQ(result_.dumps[3].matched, fmt::format("by its number {}", 3 + first));
  }
}

TEST_F(DumpFolderTest, KnowsFilesByNumberWithTheInputInFront) {
  put("t0.npy", kInput);
  for (size_t i = 0; i < all_.size(); ++i) put(fmt::format("t{}.npy", i + 1), shape(i));
  EXPECT_EQ(found(), all_);
}

TEST_F(DumpFolderTest, GuessesNoNumbersWhereShapesDisagree) {
  for (size_t i = 0; i < all_.size(); ++i) put(fmt::format("t{}.npy", i), shape(all_.size() - 1 - i));
  // Reversed: only what has a shape of its own is known.
  EXPECT_EQ(found(), (std::vector<std::string>{"preds"}));
  EXPECT_EQ(result_.unused.size(), 7U);
}

TEST_F(DumpFolderTest, KnowsKeysWithinNamesOfNodes) {
  const char* const names[] = {"_first_part_first_part.1_PRelu_output_0.npy", "_mid_part_mid_part.1_PRelu_output_0.npy",
                               "_mid_part_mid_part.2_Conv_output_0.npy", "_mid_part_mid_part.10_Conv_output_0.npy",
                               "_mid_part_mid_part.11_PRelu_output_0.npy"};
  const size_t layers[] = {0, 1, 2, 6, 6};
  for (size_t i = 0; i < 5; ++i) put(names[i], shape(layers[i]));
  EXPECT_EQ(found(), (std::vector<std::string>{"feature_extraction", "shrinking", "mapping_1_convolution",
                                               "expanding_convolution", "expanding"}));
}

TEST_F(DumpFolderTest, KnowsNamesThatBeginLikeTheLayers) {
  put("out/feat.npy", shape(0));
  put("out/shrink_out.npy", shape(1));
  put("out/map1.npy", shape(2));
  put("out/map4_conv.npy", shape(5));
  put("out/expand.npy", shape(6));
  put("out/deconv.npy", shape(7));
  EXPECT_EQ(found(), (std::vector<std::string>{"feature_extraction", "shrinking", "mapping_1", "mapping_4_convolution",
                                               "expanding", "preds"}));
}

TEST_F(DumpFolderTest, CountsMappingsFromZeroWhereTheFolderDoes) {
  for (int i = 0; i < 4; ++i) put(fmt::format("layer{}_mapping_{}_output.npy", i + 3, i), shape(2));
  EXPECT_EQ(found(), (std::vector<std::string>{"mapping_1", "mapping_2", "mapping_3", "mapping_4"}));
  // They count the layers, so that others need no name.
  put("layer1_first_output.npy", shape(0));
  put("layer2_reduce_output.npy", shape(1));
  put("layer9_other_output.npy", shape(1));
  EXPECT_EQ(found(), (std::vector<std::string>{"feature_extraction", "shrinking", "mapping_1", "mapping_2", "mapping_3",
                                               "mapping_4"}));
  EXPECT_EQ(result_.dumps[1].matched, "by its number 2");
}

TEST_F(DumpFolderTest, KnowsAShapeThatOneLayerHas) {
  put("a.npy", shape(7));
  put("b.npy", shape(2));
  EXPECT_EQ(found(), (std::vector<std::string>{"preds"}));
  ASSERT_EQ(result_.unused.size(), 1U);
  EXPECT_NE(result_.unused[0].reason.find("fits several (shrinking to mapping 4)"), std::string::npos)
      << result_.unused[0].reason;
}

TEST_F(DumpFolderTest, ListsWhatItCannotUse) {
  put("shrinking.npy", shape(1));
  put("sub/shrinking.npy", shape(1));
  put("strange.npy", {1, 5, 3, 3});
  write_file(folder_.path() / "notes.txt", as_bytes("these are no numbers"));
  write_file(folder_.path() / "manifest.json", as_bytes("{}"));
  EXPECT_EQ(found(), (std::vector<std::string>{"shrinking"}));
  EXPECT_EQ(result_.unused.size(), 4U);
}

TEST_F(DumpFolderTest, ReadsArchives) {
  StateDict tensors;
  for (size_t i = 0; i < 3; ++i) {
    const Shape s = shape(i);
    const Tensor<float> t = test::random_tensor(s, 5);
    tensors.tensors.push_back({all_[i], {s.n, s.c, s.h, s.w}, t.values()});
  }
  write_file(folder_.path() / "maps.npz", format_npz(tensors));
  EXPECT_EQ(found(), (std::vector<std::string>{"feature_extraction", "shrinking", "mapping_1"}));
  fs::remove(folder_.path() / "maps.npz");
  write_file(folder_.path() / "maps.pt", format_pytorch(tensors));
  EXPECT_EQ(found(), (std::vector<std::string>{"feature_extraction", "shrinking", "mapping_1"}));
  EXPECT_EQ(result_.dumps[1].tensor.to_float().values(), tensors.tensors[1].values);
}

}  // namespace
}  // namespace fsrcnn
