/* Plain loops, to be replaced by your own: cc -O2 check.c YOURS.c -o check -lm && ./check */
#include "layer.h"

#include <math.h>

static int within(int i, int count) { return i < 0 ? 0 : i >= count ? count - 1 : i; }

/* The nearest pixel where (y, x) is outside. */
static float nearest(const struct layer *l, const float *plane, int y, int x) {
  return plane[within(y, l->height) * l->width + within(x, l->width)];
}

static float convolved(const struct layer *l, const float *input, int o, int y, int x) {
  const int each = l->inputs / l->groups, first = o / (l->outputs / l->groups) * each;
  const int kh = l->kernel_h, kw = l->kernel_w;
  float sum = l->bias[o];
  int i, ky, kx;
  for (i = 0; i < each; ++i)
    for (ky = 0; ky < kh; ++ky)
      for (kx = 0; kx < kw; ++kx) {
        int iy = y + ky * l->dilation_h - l->pad_h, ix = x + kx * l->dilation_w - l->pad_w;
        if (!l->replicate && (iy < 0 || ix < 0 || iy >= l->height || ix >= l->width)) continue;
        sum += l->weight[((o * each + i) * kh + ky) * kw + kx] *
               nearest(l, input + (first + i) * l->height * l->width, iy, ix);
      }
  return sum;
}

static float transposed(const struct layer *l, const float *input, int o, int y, int x) {
  const int kh = l->kernel_h, kw = l->kernel_w, s = l->factor, b = l->border;
  float sum = l->bias[o];
  int i, ky, kx;
  for (i = 0; i < l->inputs; ++i)
    for (ky = 0; ky < kh; ++ky)
      for (kx = 0; kx < kw; ++kx) {
        int iy = y + l->pad_h - ky * l->dilation_h + b * s, ix = x + l->pad_w - kx * l->dilation_w + b * s;
        if (iy < 0 || ix < 0 || iy % s != 0 || ix % s != 0) continue;
        iy = iy / s - b, ix = ix / s - b;
        if (iy >= l->height + b || ix >= l->width + b) continue;
        sum += l->weight[((i * l->outputs + o) * kh + ky) * kw + kx] *
               nearest(l, input + i * l->height * l->width, iy, ix);
      }
  return sum;
}

/* The weights of four pixels in a row, for a point `t` behind the second. */
static void taps(const struct layer *l, float t, float *w) {
  const float a = l->cubic;
  int i;
  for (i = 0; i < 4; ++i) {
    const float d = fabsf(t - (float)(i - 1));
    if (l->op == BILINEAR) {
      w[i] = d < 1 ? 1 - d : 0;
    } else {
      w[i] = d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? ((d - 5) * d + 8) * d * a - 4 * a : 0;
    }
  }
}

static float interpolated(const struct layer *l, const float *plane, int y, int x) {
  const float py = ((float)y + 0.5f) / (float)l->factor - 0.5f, px = ((float)x + 0.5f) / (float)l->factor - 0.5f;
  const int iy = (int)floorf(py), ix = (int)floorf(px);
  float wy[4], wx[4], sum = 0;
  int i, j;
  if (l->op == NEAREST) return plane[y / l->factor * l->width + x / l->factor];
  taps(l, py - (float)iy, wy), taps(l, px - (float)ix, wx);
  for (i = 0; i < 4; ++i)
    for (j = 0; j < 4; ++j) sum += wy[i] * wx[j] * nearest(l, plane, iy + i - 1, ix + j - 1);
  return sum;
}

static float value(const struct layer *l, const float *input, const float *other, int o, int y, int x) {
  const int plane = l->height * l->width, at = y * l->width + x, s = l->factor;
  switch (l->op) {
    case CONVOLUTION: return convolved(l, input, o, y, x);
    case TRANSPOSED_CONVOLUTION: return transposed(l, input, o, y, x);
    case DEPTH_TO_SPACE: return input[((o * s + y % s) * s + x % s) * plane + y / s * l->width + x / s];
    case ADDITION:
      return input[(l->inputs == 1 ? 0 : o) * plane + at] + other[(l->other_inputs == 1 ? 0 : o) * plane + at];
    default: return interpolated(l, input + o * plane, y, x);
  }
}

static float activated(const struct layer *l, int o, float v) {
  switch (l->activation) {
    case RELU: return v < 0 ? 0 : v;
    case PRELU: return v < 0 ? v * l->slope[l->slopes == 1 ? 0 : o] : v;
    case CLAMP: return v < l->low ? l->low : v > l->high ? l->high : v;
    case TANH: return tanhf(v);
    default: return v;
  }
}

void layer(const struct layer *l, const float *input, const float *other, float *output) {
  int o, y, x;
  for (o = 0; o < l->outputs; ++o)
    for (y = 0; y < l->factor * l->height; ++y)
      for (x = 0; x < l->factor * l->width; ++x) {
        float v = activated(l, o, value(l, input, other, o, y, x));
        if (l->last) v = v < 0 ? 0 : v > 1 ? 1 : v;
        *output++ = v;
      }
}
