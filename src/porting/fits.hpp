#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "porting/layer_case.hpp"
#include "porting/mistakes.hpp"

namespace fsrcnn {

/// Fits, each of some kind of mistake. All that comes near is given; it is for the caller to verify it on all values.
std::vector<Mistake> fit_values(const LayerCase& layer);
std::vector<Mistake> fit_parameters(const LayerCase& layer);
std::vector<Mistake> fit_slopes(const LayerCase& layer);
std::vector<Mistake> fit_activations(const LayerCase& layer);
std::vector<Mistake> fit_kernels(const LayerCase& layer);
std::vector<Mistake> fit_orders(const LayerCase& layer);
std::vector<Mistake> fit_sources(const LayerCase& layer);
std::vector<Mistake> fit_lanes(const LayerCase& layer);
std::vector<Mistake> fit_filters(const LayerCase& layer);
std::vector<Mistake> fit_curves(const LayerCase& layer);
std::vector<Mistake> fit_shifts(const LayerCase& layer);
std::vector<Mistake> fit_borders(const LayerCase& layer);
std::vector<Mistake> fit_tiles(const LayerCase& layer);
/// A picture in such tiles, of a layer that looks so far.
std::string words_of(const Tiles& tiles, int64_t reach);
std::vector<Mistake> fit_parts(const LayerCase& layer);
/// Groups that a convolution may work in.
std::vector<Mistake> groups_of(const LayerPort& port);
std::vector<Mistake> fit_sums(const LayerCase& layer);
std::vector<Mistake> fit_accumulators(const LayerCase& layer);
std::vector<Mistake> fit_words(const LayerCase& layer);
std::vector<Mistake> fit_memory(const LayerCase& layer);
std::vector<Mistake> fit_workgroups(const LayerCase& layer);
std::vector<Mistake> fit_stamps(const LayerCase& layer);
/// Single values, runs, blocks and rectangles: only where nothing else explains.
std::vector<Mistake> fit_scattered(const LayerCase& layer);

/// What was done to a picture as a whole; of a layer that gives what it reads.
std::vector<Mistake> fit_pictures(const LayerCase& layer);

/// What was done to the picture (1, 1, H, W) before the first layer read it; `solved`: what it read.
std::vector<Mistake> fit_input(const MistakeContext& context, const Tensor<float>& given, const Tensor<float>& solved,
                               double tolerance);

/// How its output was rounded, where all is right to its steps.
std::vector<Mistake> fits_of_rounding(const LayerCase& layer);

/// All of a layer, but those that are scattered.
std::vector<Mistake> fits_of(const LayerCase& layer);

}  // namespace fsrcnn
