#pragma once

#include "video/film_job.hpp"

namespace fsrcnn {

/// Writes one picture of a film as PNG: on the left as it is, enlarged bicubically, and on the right as the job makes
/// it. The job's output is the PNG's name. time_us: of a film whose first frame comes at 0. Throws as upscale_film
/// does.
FilmResult preview_film(const EngineFor& engine_for, const FilmJob& job, int64_t time_us,
                        const std::atomic<bool>& stop);

}  // namespace fsrcnn
