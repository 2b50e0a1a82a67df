#include "picture/jxl_info.hpp"

#include <jxl/decode.h>

#include <cstdint>
#include <memory>

namespace fsrcnn {

JxlInfo jxl_info(Bytes file) {
  const std::unique_ptr<JxlDecoder, void (*)(JxlDecoder*)> decoder(JxlDecoderCreate(nullptr), JxlDecoderDestroy);
  constexpr int kEvents = JXL_DEC_BASIC_INFO | JXL_DEC_JPEG_RECONSTRUCTION | JXL_DEC_FRAME;
  if (decoder == nullptr || JxlDecoderSubscribeEvents(decoder.get(), kEvents) != JXL_DEC_SUCCESS ||
      JxlDecoderSetInput(decoder.get(), reinterpret_cast<const uint8_t*>(file.data()), file.size()) !=
          JXL_DEC_SUCCESS) {
    return {};
  }
  JxlBasicInfo basic{};
  // What is kept of a JPEG comes before the picture.
  if (JxlDecoderProcessInput(decoder.get()) != JXL_DEC_BASIC_INFO ||
      JxlDecoderGetBasicInfo(decoder.get(), &basic) != JXL_DEC_SUCCESS) {
    return {};
  }
  JxlInfo info{basic.uses_original_profile == JXL_TRUE, false};
  JxlFrameHeader frame{};
  if (basic.have_animation == JXL_TRUE && JxlDecoderProcessInput(decoder.get()) == JXL_DEC_FRAME &&
      JxlDecoderGetFrameHeader(decoder.get(), &frame) == JXL_DEC_SUCCESS) {
    info.animated = frame.is_last == JXL_FALSE;
  }
  return info;
}

}  // namespace fsrcnn
