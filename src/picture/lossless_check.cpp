#include "picture/lossless_check.hpp"

#include <jxl/decode.h>
#include <webp/decode.h>
#include <webp/mux.h>

#include <memory>
#include <string_view>

namespace fsrcnn {
namespace {

const uint8_t* octets(Bytes bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

}  // namespace

bool is_lossless_webp(Bytes file) {
  constexpr int kLossless = 2;
  const WebPData data{octets(file), file.size()};
  const std::unique_ptr<WebPMux, void (*)(WebPMux*)> mux(WebPMuxCreate(&data, 0), WebPMuxDelete);
  WebPMuxFrameInfo frame{};
  if (mux == nullptr || WebPMuxGetFrame(mux.get(), 1, &frame) != WEBP_MUX_OK) return false;
  WebPBitstreamFeatures features;
  const bool lossless = WebPGetFeatures(frame.bitstream.bytes, frame.bitstream.size, &features) == VP8_STATUS_OK &&
                        features.format == kLossless;
  WebPDataClear(&frame.bitstream);
  return lossless;
}

bool is_lossless_jxl(Bytes file) {
  const std::unique_ptr<JxlDecoder, void (*)(JxlDecoder*)> decoder(JxlDecoderCreate(nullptr), JxlDecoderDestroy);
  if (decoder == nullptr ||
      JxlDecoderSubscribeEvents(decoder.get(), JXL_DEC_BASIC_INFO | JXL_DEC_JPEG_RECONSTRUCTION) != JXL_DEC_SUCCESS ||
      JxlDecoderSetInput(decoder.get(), octets(file), file.size()) != JXL_DEC_SUCCESS) {
    return false;
  }
  JxlBasicInfo info{};
  // What is kept of a JPEG comes before the picture.
  const bool known = JxlDecoderProcessInput(decoder.get()) == JXL_DEC_BASIC_INFO &&
                     JxlDecoderGetBasicInfo(decoder.get(), &info) == JXL_DEC_SUCCESS;
  JxlDecoderReleaseInput(decoder.get());
  return known && info.uses_original_profile == JXL_TRUE;
}

}  // namespace fsrcnn
