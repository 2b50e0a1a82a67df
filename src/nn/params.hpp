#pragma once

// Pair, PaddingMode, Conv2dParams and ConvTranspose2dParams are public.
#include "fsrcnn/fsrcnn.hpp"
