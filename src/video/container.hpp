#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "video/av.hpp"

namespace fsrcnn {

/// FFmpeg's name of the muxer for a file of this name. Throws Error(usage) for an unknown suffix.
std::string container_of(const std::filesystem::path& output);

bool is_matroska(std::string_view container);
bool is_mov(std::string_view container);
/// Blu-ray's kind of transport stream, which differs from others.
bool is_m2ts(const std::filesystem::path& output);

/// A cover: a picture that stands for the film, or for its sound.
bool is_cover(const AVStream& stream);

/// Whether a file of this name can hold a stream of another file, so that it can be read again.
bool can_hold(const std::filesystem::path& output, const AVStream& stream);
/// Whether a file of this name can hold such pictures, so that they can be decoded.
bool can_hold_pictures(const std::filesystem::path& output, const AVCodecParameters& pictures);

/// Whether such a file tells when each picture is shown, and not only their order.
bool tells_times(std::string_view container);

/// Whether a decoder can begin at a place in such a file only if the codec's headers stand in the packets there.
bool wants_headers_in_packets(const AVOutputFormat& container, AVCodecID pictures);

}  // namespace fsrcnn
