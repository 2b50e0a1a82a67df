#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "picture/row_decoder.hpp"

namespace fsrcnn {

/// For the start of main(). If this process was started to decode pictures, it does so, and does not return. In any
/// other, PictureReader decodes in such processes from now on, which are this program once more, or a copy of it,
/// without the rights that decoders do not need: a picture of which a decoder crashes, hangs or takes all memory is an
/// Error(input), and no harm to anything else. Without this call PictureReader decodes in its own process.
void decode_pictures_apart(int argc, const char* const* argv);

/// Whether PictureReader decodes in other processes.
bool decodes_apart();

/// Starts such a process before it is needed. If this process has no other threads yet, that is a matter of a few
/// milliseconds; later it takes as long as a program takes to start.
void prepare_decoder();

/// Decodes in such a process. Throws like PictureReader.
std::unique_ptr<RowDecoder> decode_apart(const std::filesystem::path& path, int64_t most_pixels);

}  // namespace fsrcnn
