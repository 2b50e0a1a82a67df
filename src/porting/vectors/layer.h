/* A layer of the network with its weights, and the function to be checked. */
#ifndef LAYER_H
#define LAYER_H

typedef float number;

enum op {
  CONVOLUTION,            /* stride 1 */
  TRANSPOSED_CONVOLUTION, /* stride `factor` */
  DEPTH_TO_SPACE,         /* channel (c * factor + py) * factor + px becomes the sub-pixels (py, px) of channel c */
  ADDITION,               /* of `input` and `other`; one with a single channel is added to all channels */
  NEAREST,                /* interpolation to `factor` times the size; pixel centres as PyTorch's align_corners=False */
  BILINEAR,
  BICUBIC
};

enum activation {
  NONE,
  RELU,
  PRELU, /* x < 0 becomes slope * x */
  CLAMP, /* to low ... high */
  TANH
};

struct layer {
  const char *name;
  enum op op;
  int inputs, other_inputs, outputs; /* channels; other_inputs: of an addition's second value, else 0 */
  int height, width;                 /* of the input */
  int factor;                        /* the output is so many times as high and wide */
  int kernel_h, kernel_w, pad_h, pad_w, dilation_h, dilation_w, groups; /* as PyTorch's; see border */
  int replicate; /* a convolution's padding: 0 zeros, 1 the nearest pixel */
  int border;    /* pixels around a transposed convolution's input that are its nearest; beyond them are zeros. pad_h and
                    pad_w count from the input without them */
  float cubic;   /* BICUBIC's coefficient: -0.75 as PyTorch's */
  enum activation activation;
  float low, high;
  int slopes;          /* one for each output, or one for all */
  int last;            /* 1: the output is the network's, and is clamped to [0, 1] */
  const float *weight; /* [outputs][inputs / groups][kernel_h][kernel_w]; transposed [inputs][outputs][...] */
  const float *bias;   /* [outputs] */
  const float *slope;  /* [slopes] */
};

/* input [inputs][height][width], of an addition also other [other_inputs][height][width] ->
   output [outputs][factor * height][factor * width]. Put your own into layer.c. */
void layer(const struct layer *l, const float *input, const float *other, float *output);

#endif
