#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <Eigen/Dense>

#include "porting/layer_port.hpp"

namespace fsrcnn {

/// Parameters of one layer that may be others: each direction is a sum of parameters, by their place among the weights,
/// biases and slopes; all are moved by the directions times coefficients.
struct Change {
  enum class Kind {
    kernel,          ///< a: output channel, b: input channel (of its group)
    bias,            ///< a: output channel
    slope,           ///< a: output channel
    scale,           ///< of all weights
    gain,            ///< of all weights and biases
    channel_gain,    ///< of the weights and the bias of output channel a
    channel_scale,   ///< of the weights of output channel a
    input_gain,      ///< of the weights of input channel b
    biases,          ///< all of them
    slopes,          ///< all of them
    gains,           ///< of the weights and the bias of each output channel
    input_gains,     ///< of the weights of each input channel
    taps,            ///< of the weights at each place of the kernels
    output_channel,  ///< all that makes output channel a
    input_channel,   ///< all that reads input channel b
    weights,         ///< all of them and the biases
    kernels          ///< several of them, and other parameters beside them
  };
  using Direction = std::vector<std::pair<int64_t, float>>;

  Kind kind = Kind::kernel;
  size_t port = 0;
  int64_t a = 0, b = 0;
  std::vector<Direction> directions;

  Eigen::Index size() const { return static_cast<Eigen::Index>(directions.size()); }
};

/// All changes of a port with a weight, or with slopes.
std::vector<Change> changes_of(const LayerPort& port, size_t index);

/// Both, at the same port.
Change together(const Change& a, const Change& b);

/// The port with its parameters moved.
LayerPort changed(const LayerPort& port, const Change& change, const Eigen::VectorXd& coefficients);

/// The columns of a change from those of all parameters.
Eigen::MatrixXf columns_of(const Change& change, const Eigen::MatrixXf& by_parameters);

/// A change in words: what is other in the port that has it.
struct ChangeWords {
  std::string id;        ///< "kernels", "bias", "slopes"
  std::string sentence;  ///< "the bias of channel 3 is 0.05, not 0.01"
  bool few = true;       ///< false: so many numbers are others that it is no cause, but a set of other numbers
};
ChangeWords words_of(const Change& change, const LayerPort& right, const LayerPort& other);

}  // namespace fsrcnn
