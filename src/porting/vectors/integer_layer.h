/* A layer of the network in integers, and the function to be checked. README.md says what the numbers stand for. */
#ifndef LAYER_H
#define LAYER_H

#include <stdint.h>

typedef int32_t number;

enum op {
  CONVOLUTION,            /* stride 1 */
  TRANSPOSED_CONVOLUTION, /* stride `factor` */
  DEPTH_TO_SPACE,         /* channel (c * factor + py) * factor + px becomes the sub-pixels (py, px) of channel c */
  ADDITION,               /* of `input` and `other`; one with a single channel is added to all channels */
  INTERPOLATION           /* to `factor` times the size; outside of the picture is its nearest pixel */
};

enum activation { NONE, RELU, PRELU, CLAMP, TANH };
enum rounding { HALF_UP, HALF_EVEN, DOWN, TOWARD_ZERO };

struct layer {
  const char *name;
  enum op op;
  int inputs, other_inputs, outputs; /* channels; other_inputs: of an addition's second value, else 0 */
  int height, width;                 /* of the input */
  int factor;                        /* the output is so many times as high and wide */
  int kernel_h, kernel_w, pad_h, pad_w, dilation_h, dilation_w, groups; /* as PyTorch's; see border */
  int replicate; /* a convolution's padding: 0 zeros (of int8 the zero point), 1 the nearest pixel */
  int border;    /* pixels around a transposed convolution's input that are its nearest; beyond them are zeros. pad_h and
                    pad_w count from the input without them */
  enum activation activation;
  int low, high;          /* what the output is clamped to at the end */
  int zero, other_zero;   /* zero points of input and other */
  int scale, other_scale; /* what an addition multiplies them with */

  int is_int8; /* 1: a sum becomes a value by `rescale`; 0: by `shift`, `rounding` and `wrap` */

  /* Fixed point */
  int bits, fraction_bits; /* of a word */
  int shift;               /* fraction bits that a sum has more than a word */
  enum rounding rounding;
  int wrap;   /* what does not fit is 0: saturated, 1: wrapped */
  int slopes; /* one for each output, or one for all */

  /* int8 */
  int output_zero; /* zero point */

  const number *weight;  /* [outputs][inputs / groups][kernel_h][kernel_w]; transposed [inputs][outputs][...];
                            INTERPOLATION: [factor][5], of the pixels y / factor - 2 ... y / factor + 2 for y % factor */
  const number *bias;    /* [outputs] */
  const number *slope;   /* [slopes], fixed point */
  const number *rescale; /* [outputs][4], int8: multiplier and shift for sums from 0, and for sums below 0 */
  const number *table;   /* [256], int8: of TANH */
};

/* input [inputs][height][width], of an addition also other [other_inputs][height][width] ->
   output [outputs][factor * height][factor * width]. Put your own into layer.c. */
void layer(const struct layer *l, const number *input, const number *other, number *output);

#endif
