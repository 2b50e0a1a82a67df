#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/plane.hpp"

// Checks of the public functions before any work. `name` is the argument's in messages.

namespace fsrcnn {

/// Throws Error(usage) for an invalid type, level, pointer or stride, Error(input) for a plane without pixels, and
/// Error(limit) for one that is too large.
void check_plane(const ConstPlane& plane, std::string_view name);

/// The type and level alone.
void check_format(const ConstPlane& plane, std::string_view name);

/// The name of one of `count` planes: "output", or "output[1]" where there are several.
std::string plane_name(std::string_view name, size_t index, size_t count);

/// check_plane of each, and that there are `channels`, of one size, type and level.
void check_planes(std::span<const ConstPlane> planes, int64_t channels, std::string_view name);

/// Throws Error(usage) if two planes, each good by itself, have a sample in common.
void check_apart(const ConstPlane& a, std::string_view a_name, const ConstPlane& b, std::string_view b_name);

/// Whether two planes have the same samples.
bool same_samples(const ConstPlane& a, const ConstPlane& b);

/// Throws Error(usage) if there are samples but no pointer to them, or a pointer that is not aligned.
void check_floats(const float* data, int64_t count, std::string_view name);

/// Throws Error(usage) if dense floats overlap.
void check_apart(const float* a, int64_t a_count, std::string_view a_name, const float* b, int64_t b_count,
                 std::string_view b_name);

/// Throws Error(usage) for an option out of its range.
void check_options(const UpscalerOptions& options);
void check_threads(int threads);

}  // namespace fsrcnn
