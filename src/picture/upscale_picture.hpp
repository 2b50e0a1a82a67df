#pragma once

#include "engine/engine.hpp"
#include "picture/picture.hpp"

namespace fsrcnn {

/// The picture at the scale times its width and height: its luma by the network, chroma and alpha bicubic. Gray is
/// brought to the range of luma that networks are trained on, so that it fares like the same picture in RGB. Bits and
/// metadata stay. Throws Error(input) if the result does not fit into memory,
/// and Error(model) if the weights overflow.
Picture upscale_picture(Engine& engine, const Picture& picture, const Progress& progress = nullptr);

}  // namespace fsrcnn
