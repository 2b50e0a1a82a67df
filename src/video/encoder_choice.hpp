#pragma once

#include "video/film.hpp"
#include "video/film_encoder.hpp"

namespace fsrcnn {

/// An encoder of a family that is better than the first that FFmpeg finds, and the constant quality at which hardly
/// anybody sees a difference, or -1.
struct Preference {
  AVCodecID id;
  const char* encoder;
  double crf;
};

/// Null: none.
const Preference* preference(AVCodecID id);

/// What was asked for, or of the film's own codec. Throws Error(usage) if there is none.
const AVCodec& find_encoder(const EncoderOptions& options, const Film& film, const FrameKind& frames);

/// The encoder's pixel format that holds the samples of a planar one. Throws Error(usage) if there is none.
AVPixelFormat pixel_format(const AVCodec& encoder, AVPixelFormat planar);

/// Whether it encodes in a graphics card or another device.
bool is_of_a_card(const AVCodec& encoder);

/// Whether it has a private option of this name.
bool has_option(const AVCodec& encoder, const char* name);

/// The largest value of such an option; `otherwise` if it has none.
double most_of_option(const AVCodec& encoder, const char* name, double otherwise);

}  // namespace fsrcnn
