// The compiled-in models' outputs, bit for bit, as released: whoever changes them must mean to, and raise the engine's
// revision, so that no film is made of segments that differ.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <span>

#include "base/cpu.hpp"
#include "base/targets.hpp"
#include "engine/engine.hpp"
#include "network/builtin.hpp"
#include "support/golden.hpp"

namespace fsrcnn {
namespace {

// FNV-1a.
uint64_t hash_of(const Tensor<float>& tensor) {
  uint64_t hash = 14695981039346656037U;
  for (const std::byte b : std::as_bytes(std::span(tensor.values()))) {
    hash = (hash ^ static_cast<uint64_t>(b)) * 1099511628211U;
  }
  return hash;
}

bool is_fused(const std::string& cpu) {
  return std::any_of(std::begin(kTargets), std::end(kTargets),
                     [&](const Target& t) { return cpu == t.name && t.fused; });
}

struct Hashes {
  uint64_t fused, separate, fused_exact, separate_exact, reference;
};

TEST(GoldenHashes, OfTheCompiledInModels) {
  const std::map<std::string, Hashes> expected = {
      {"fsrcnn-x2",
       {0xaa435ceec9c304e7, 0x8cca1416ad5654b1, 0xdb5d2a04cdf70d6a, 0x2d893c2a238de190, 0x625a0e0dfef41ecf}},
      {"fsrcnn-x3", {0x8176d99c84df43e, 0xa968605f9d6d1814, 0x3193ffbaa9d5e659, 0x32c060835d6f09, 0x48d12e646616a92e}},
      {"fsrcnn-x4",
       {0x61d52cb6ffb0faf9, 0xe9ce2ceda21ee02d, 0x41a70e55ee9fe0c8, 0x49e3fd848b49b83d, 0x4ef2227e72c80605}},
      {"fsrcnn-s-x2",
       {0xbccad5f1b7caea1d, 0xb73e308dbf599523, 0xb1bcdfae8b1feab, 0xc7229aad06903e1c, 0x59564b838330aa62}},
      {"fsrcnn-video-x2",
       {0xa3b7065f2d0e65c7, 0xb531472378fdfe33, 0xe10f221ecc95561a, 0x266908bb16a164e9, 0xd81a84783000f82f}},
  };
  const Tensor<float> input = test::random_tensor({1, 1, 61, 83}, 2026);
  for (const BuiltinModel& model : builtin_models()) {
    ASSERT_TRUE(expected.contains(std::string(model.name))) << model.name << " has no hashes yet";
    const Hashes& hashes = expected.at(std::string(model.name));
    for (const std::string& cpu : cpu_names()) {
      for (const Precision precision : {Precision::fast, Precision::exact}) {
        const bool exact = precision == Precision::exact;
        const uint64_t hash = hash_of(
            Engine(*builtin_network(model.name), {.threads = 2, .cpu = cpu, .precision = precision}).upscale(input));
        const uint64_t wanted = cpu == "reference" ? hashes.reference
                                : is_fused(cpu)    ? (exact ? hashes.fused_exact : hashes.fused)
                                                   : (exact ? hashes.separate_exact : hashes.separate);
        EXPECT_EQ(hash, wanted) << model.name << ", " << cpu << (exact ? ", exact" : "")
                                << fmt::format(": {:#x}", hash);
      }
    }
  }
}

}  // namespace
}  // namespace fsrcnn
