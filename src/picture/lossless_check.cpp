#include "picture/lossless_check.hpp"

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

}  // namespace fsrcnn
