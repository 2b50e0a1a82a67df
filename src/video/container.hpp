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

/// A cover picture of the film or of its sound.
bool is_cover(const AVStream& stream);

/// Whether the format of this name can store a stream of another file so that it can be read back.
bool can_hold(const std::filesystem::path& output, const AVStream& stream);
/// Whether the format of this name can store such pictures so that they can be decoded.
bool can_hold_pictures(const std::filesystem::path& output, const AVCodecParameters& pictures);

/// Whether the format stores when each picture is shown, not only their order.
bool tells_times(std::string_view container);

/// Whether decoding can only start at a position if the packets there contain the codec's headers.
bool wants_headers_in_packets(const AVOutputFormat& container, AVCodecID pictures);

}  // namespace fsrcnn
