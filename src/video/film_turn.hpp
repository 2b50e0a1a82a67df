#pragma once

#include <cstdint>
#include <string>

#include "video/film.hpp"

namespace fsrcnn {

/// The film's display matrix, if it turns or mirrors pictures; else null.
const int32_t* turn_matrix(const Film& film);

/// The filters that turn pictures as it says; empty if there is none, or it turns by no right angle.
std::string turns_of(const Film& film);

/// Whether it turns pictures by a quarter, so that their rows are shown as columns.
bool is_sideways(const Film& film);

}  // namespace fsrcnn
