/* A layer of the network with its weights, and the function to be checked. */
#ifndef LAYER_H
#define LAYER_H

enum kind {
  CONVOLUTION,   /* stride 1, padding kernel / 2, bias, PReLU */
  DECONVOLUTION, /* stride `scale`, padding 4, output_padding scale - 1, bias; clamped to [0, 1] */
  SUB_PIXEL      /* a convolution to scale * scale channels, then depth to space; clamped to [0, 1] */
};

struct layer {
  const char *name;
  enum kind kind;
  int inputs, outputs, kernel, scale;
  int replicate;       /* the convolution's padding: 0 zeros, 1 the nearest pixel */
  int border;          /* pixels around a deconvolution's input that are its nearest; beyond them are zeros */
  int height, width;   /* of the input */
  const float *weight; /* [outputs][inputs][kernel][kernel]; of a deconvolution [inputs][outputs][kernel][kernel] */
  const float *bias;   /* [outputs] */
  const float *slope;  /* [slopes]: one for each output, or one for all, or none */
  int slopes;
};

/* input [inputs][height][width] -> output [outputs][height][width], or, of the last layer,
   [1][scale * height][scale * width]. Put your own into layer.c. */
void layer(const struct layer *l, const float *input, float *output);

#endif
