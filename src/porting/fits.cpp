#include "porting/fits.hpp"

#include <iterator>

namespace fsrcnn {

std::vector<Mistake> fits_of(const LayerCase& layer) {
  std::vector<Mistake> list;
  for (const auto fit :
       {fit_values, fit_parameters,   fit_slopes,  fit_activations, fit_kernels, fit_orders,    fit_sources,
        fit_lanes,  fit_shifts,       fit_filters, fit_curves,      fit_borders, fit_tiles,     fit_parts,
        fit_sums,   fit_accumulators, fit_words,   fit_memory,      fit_stamps,  fit_workgroups}) {
    std::vector<Mistake> more = fit(layer);
    list.insert(list.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  return list;
}

}  // namespace fsrcnn
