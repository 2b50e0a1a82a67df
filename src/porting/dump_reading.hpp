#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "network/quantisation.hpp"
#include "porting/layer_port.hpp"

namespace fsrcnn {

/// What a dump says, once its form is known.
struct Reading {
  Tensor<float> values;   ///< of the expected shape
  double step = 0;        ///< that the values come in; 0: none
  std::string form = {};  ///< "" for a dump as it stands; "integers, value = (q - 3) * 0.0123"
};

/// The step of values that no port can be blamed for: any even spacing, from any zero, and that of short floats. 0:
/// none that is coarser than float32.
double step_of_dump(const Tensor<float>& t);

/// The sum of squares of the differences of two tensors of one shape.
double squares_between(const Tensor<float>& a, const Tensor<float>& b);

/// All values are whole numbers, and some of them beyond -1 and 1.
bool are_integers(const Tensor<float>& t);

/// value = (q - zero point) * scale; and that in words.
Tensor<float> dequantised(const Tensor<float>& integers, const Quantisation& scale);
std::string scale_words(const Quantisation& scale);

/// (1, H, W, C) -> (1, C, H, W)
Tensor<float> channels_first(const Tensor<float>& t);

/// The ways in which a dump can be meant whose right values are known: as it stands; by its shape NHWC; integers of
/// some scale and zero point; gray or RGB of a picture whose luma is expected. The likeliest comes first. Empty: its
/// shape fits in none. `is_picture`: the file is a picture. `stated`: the scale that the network says its integers
/// have; no other is tried then.
std::vector<Reading> readings_of(const Tensor<float>& dump, const Tensor<float>& expected, bool is_picture,
                                 const std::optional<Quantisation>& stated = std::nullopt);

/// A dump that is a part of the expected tensor: its values put in their place there. `tolerance` holds for most of the
/// values. Empty: it is none.
std::optional<Reading> cropped_reading(const Tensor<float>& dump, const Tensor<float>& expected, double tolerance);

/// A dump that the expected tensor is a part of, as where pictures are filled up to whole tiles: that part. Empty: it
/// is none.
std::optional<Reading> filled_up_reading(const Tensor<float>& dump, const Tensor<float>& expected, double tolerance);

/// A form in which a port may have the model's numbers.
struct NumberForm {
  std::string words;  ///< "weights of int8, one scale for each layer"
  std::function<void(LayerPort&)> apply;
};

/// float16, bfloat16, and int8 with a scale for each layer or for each output channel.
const std::vector<NumberForm>& number_forms();

}  // namespace fsrcnn
