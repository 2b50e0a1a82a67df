#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "picture/row_decoder.hpp"

namespace fsrcnn {

// What a process that decodes pictures, and the one that asked for it, tell each other over a socket. The latter trusts
// no number of the former, which runs other people's decoders on other people's files.

/// For each picture: `format` with its name, `start`, then any number of `rows` and one `end`; or, at any place,
/// `error`. After `start` the process waits for a wish; `metadata` answers the one for it, and the next may follow.
enum class MessageKind : uint8_t { format = 1, start, rows, end, error, metadata };

/// What is asked for after `start`. Before `metadata` its MetadataTarget follows.
enum class Wish : uint8_t { nothing, rows, metadata };

/// Before each message.
struct MessageHead {
  MessageKind kind;
  uint64_t bytes;  ///< of what follows
};

/// Before the path of a picture, whose open file goes with it. It must be small enough to be sent as a whole.
struct RequestHead {
  int64_t most_pixels;
  uint64_t path_bytes;
};

std::string pack_start(const PictureStart& start);
std::string pack_metadata(const EmbeddedMetadata& metadata, const std::vector<std::string>& warnings);
std::string pack_texts(const std::vector<std::string>& texts);
/// The code 0 is lack of memory.
std::string pack_error(int code, std::string_view message);

/// Throws Error(io) if anything is malformed or beyond what a picture can be.
PictureStart unpack_start(std::string_view bytes, int64_t most_pixels);
EmbeddedMetadata unpack_metadata(std::string_view bytes, std::vector<std::string>& warnings);
std::vector<std::string> unpack_texts(std::string_view bytes);
[[noreturn]] void throw_error(std::string_view bytes);

}  // namespace fsrcnn
