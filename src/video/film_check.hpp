#pragma once

#include "video/film.hpp"

namespace fsrcnn {

/// Throws Error(input) if the pictures of an opened film are encrypted, or have colours that no player without Dolby
/// Vision knows.
void check_stream(const Film& film);

/// Throws Error(input) if a packet is encrypted, of which not all formats' heads tell.
void check_packet(const Film& film, const AVPacket& packet);

/// Looks at the whole film, before any work. Not for pipes. Throws Error(input) if pictures anywhere in it cannot be
/// upscaled: if they are encrypted, or if their size changes.
void check_whole(const Film& film);

}  // namespace fsrcnn
