#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"

namespace fsrcnn {

/// How bytes are deflated: zlib's level (0: stored, 1: fast, ..., 9: small), and whether repetitions are looked for at
/// any distance or of the byte before alone. The latter is fast and as good on photographs, once they are predicted.
struct Deflation {
  int level = 6;
  bool runs_only = false;
};

/// A piece of a raw stream (RFC 1951) that continues after any other piece and ends at a byte; the last ends the
/// stream. `before`: what the stream has before it, which repetitions may refer to (the last 32 KiB count).
std::vector<std::byte> deflate_piece(Bytes bytes, Bytes before, const Deflation& how, bool last);

/// What a whole stream with zlib's header holds, if it is not damaged and holds at most so many bytes; else nothing.
std::string inflated(std::string_view stream, size_t most);

/// A whole stream with zlib's header and checksum (RFC 1950).
std::vector<std::byte> zlib_stream(Bytes bytes, const Deflation& how);

}  // namespace fsrcnn
