#include "network/formats/safetensors.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "support/golden.hpp"

namespace fsrcnn {
namespace {

using test::error_of;

/// A file with this header and so many zero bytes of data.
std::vector<std::byte> file_of(const std::string& header, size_t data_bytes) {
  std::vector<std::byte> bytes(8 + header.size() + data_bytes);
  const uint64_t size = header.size();
  std::memcpy(bytes.data(), &size, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

std::string message(const std::string& header, size_t data_bytes) {
  return error_of([&] { parse_safetensors(file_of(header, data_bytes), "w"); });
}

TEST(Safetensors, ReadsTensorsInAnyOrderOfTheirData) {
  const StateDict dict = parse_safetensors(
      file_of(R"({"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},"__metadata__":{"scale":"2"},)"
              R"("a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
              12),
      "w");
  ASSERT_EQ(dict.tensors.size(), 2U);
  EXPECT_EQ(dict.tensors[1].name, "b");
  EXPECT_EQ(dict.tensors[0].shape, std::vector<int64_t>{});
  EXPECT_EQ(dict.metadata.at("scale"), "2");
}

TEST(Safetensors, SaysWhatIsWrong) {
  const std::string start = "4: w: not a readable safetensors file: ";
  EXPECT_EQ(message("[]", 0), start + "its header is not a JSON object");
  EXPECT_EQ(message("{", 0), start + "its header is not a JSON object");
  EXPECT_EQ(message(R"({"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}})", 4),
            start + "tensor 'a' has type F8_E4M3; supported: F16, BF16, F32, F64 and integers");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4),
            start + "tensor 'a' of shape (2) needs 8 bytes, but its offsets are 0 to 4");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8),
            start + "tensor 'a' lies at 4 to 8, but should begin at 0 and end within 8 bytes");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 8),
            start + "its tensors end at 4, but the file has 8 bytes of data");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4),
            start + "an extent of tensor 'a' is not an unsigned integer");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}})", 4),
            "4: tensor 'a' has shape (4294967296, 4294967296), which is too large; the file is damaged or does not "
            "hold weights");
  EXPECT_EQ(message(R"({"a":{"dtype":"F32","shape":[1]}})", 4),
            start + "tensor 'a' lacks dtype, shape or data_offsets");
  EXPECT_EQ(message(R"({"__metadata__":{"scale":2}})", 0), start + "its __metadata__ 'scale' is not a string");
}

// A hostile file must cost neither the stack nor the memory nor minutes.
TEST(Safetensors, RefusesBombs) {
  const std::string start = "4: w: not a readable safetensors file: ";
  EXPECT_EQ(message(std::string(100000, '['), 0), start + "its header is not a JSON object");
  const std::string deep = std::string(200000, '[') + std::string(200000, ']');
  EXPECT_EQ(message(R"({"a":{"dtype":)" + deep + R"(,"shape":[],"data_offsets":[0,4]}})", 4),
            start + "tensor 'a' has a dtype that is not a string");
  EXPECT_EQ(message(std::string(2000000, ' ') + "{}", 0),
            start + "its header has 2000002 bytes, more than is supported");
  std::string many = "{";
  for (int i = 0; i < 15000; ++i) {
    many += fmt::format(R"({}"{}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", i == 0 ? "" : ",", i);
  }
  EXPECT_EQ(parse_safetensors(file_of(many + "}", 0), "w").tensors.size(), 15000U);
}

}  // namespace
}  // namespace fsrcnn
