#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "video/film_job.hpp"

namespace fsrcnn {

/// Everything that determines the bits of a job's segments, except their ranges. Throws Error(io).
nlohmann::json describe_job(const FilmJob& job, const Film& film, const FramePlan& frames, const Engine& engine);

/// Identifies a film independent of its path: a hash of its size and first bytes. Throws Error(io).
std::string film_identity(const std::string& path);

/// The tags of a job's segments, except their ranges: the identities of the film, and of model and options. `job` is
/// the result of describe_job().
StreamTags job_tags(const nlohmann::json& job);

}  // namespace fsrcnn
