#include "video/picture_parser.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace fsrcnn {
namespace {

ParsedPicture parse(AVCodecID codec, const std::vector<uint8_t>& bytes, const std::vector<uint8_t>& headers = {}) {
  const AvParameters parameters = new_parameters();
  parameters->codec_type = AVMEDIA_TYPE_VIDEO;
  parameters->codec_id = codec;
  if (!headers.empty()) set_extradata(*parameters, headers.data(), headers.size());
  const AvPacket packet = new_packet();
  EXPECT_GE(av_new_packet(packet.get(), static_cast<int>(bytes.size())), 0);
  std::copy(bytes.begin(), bytes.end(), packet->data);
  return PictureParser(*parameters).parse(*packet);
}

// The first byte of VP9: marker, profile, whether it shows what was decoded before, kind, whether it is shown.
TEST(PictureParser, KnowsHiddenPicturesOfVp9) {
  const auto is_hidden = [](const std::vector<uint8_t>& bytes) { return parse(AV_CODEC_ID_VP9, bytes).is_hidden; };
  EXPECT_TRUE(is_hidden({0b10000100, 1, 2, 3}));
  EXPECT_FALSE(is_hidden({0b10000110, 1, 2, 3}));
  EXPECT_FALSE(is_hidden({0b10001000, 1, 2, 3}));
  EXPECT_TRUE(is_hidden({0b10010100, 1, 2, 3})) << "profile 2";
  EXPECT_FALSE(is_hidden({0b10010110, 1, 2, 3}));
  EXPECT_TRUE(is_hidden({0b10110010, 1, 2, 3})) << "profile 3 has a bit more";
  EXPECT_FALSE(is_hidden({0b10110011, 1, 2, 3}));
  // Two pictures, of 2 and 3 bytes, whose sizes of a byte each come behind them.
  const uint8_t marker = 0b11000001;
  EXPECT_FALSE(is_hidden({0b10000100, 1, 0b10000110, 1, 2, marker, 2, 3, marker}));
  EXPECT_TRUE(is_hidden({0b10000100, 1, 0b10000100, 1, 2, marker, 2, 3, marker}));
  EXPECT_FALSE(is_hidden({0b10000100, 1, 2, marker, 200, 200, marker})) << "sizes that are wrong";
}

TEST(PictureParser, KnowsSecondLayersOfHevc) {
  std::vector<uint8_t> headers(23);
  headers[0] = 1;
  headers[21] = 3;  // four bytes of length before each unit
  const std::vector<uint8_t> base{0, 0, 0, 3, 0x02, 0x01, 7}, other{0, 0, 0, 3, 0x02, 0x09, 7};
  std::vector<uint8_t> both = base;
  both.insert(both.end(), other.begin(), other.end());
  EXPECT_FALSE(parse(AV_CODEC_ID_HEVC, base, headers).has_second_layer);
  EXPECT_TRUE(parse(AV_CODEC_ID_HEVC, both, headers).has_second_layer);
  EXPECT_FALSE(parse(AV_CODEC_ID_HEVC, {0, 0, 1, 0x02, 0x01, 7, 8}).has_second_layer);
  EXPECT_TRUE(parse(AV_CODEC_ID_HEVC, {0, 0, 1, 0x02, 0x01, 7, 0, 0, 1, 0x02, 0x09, 7}).has_second_layer);
  EXPECT_FALSE(parse(AV_CODEC_ID_HEVC, {0, 0, 0, 200, 0x02, 0x01}, headers).has_second_layer);
}

}  // namespace
}  // namespace fsrcnn
