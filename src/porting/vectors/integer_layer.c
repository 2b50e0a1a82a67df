/* Plain loops, to be replaced by your own: cc -O2 check.c YOURS.c -o check -lm && ./check */
#include "layer.h"

#include <math.h>

static int within(int i, int count) { return i < 0 ? 0 : i >= count ? count - 1 : i; }

/* The nearest pixel where (y, x) is outside, from its zero point. */
static int64_t nearest(const struct layer *l, const number *plane, int y, int x) {
  return (int64_t)plane[within(y, l->height) * l->width + within(x, l->width)] - l->zero;
}

/* Of fixed point the bias has as many fraction bits as a word, a sum of products twice as many. */
static int64_t bias_of(const struct layer *l, int o) {
  return l->is_int8 ? l->bias[o] : l->bias[o] * ((int64_t)1 << l->fraction_bits);
}

static int64_t convolved(const struct layer *l, const number *input, int o, int y, int x) {
  const int each = l->inputs / l->groups, first = o / (l->outputs / l->groups) * each;
  const int kh = l->kernel_h, kw = l->kernel_w;
  int64_t sum = bias_of(l, o);
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

static int64_t transposed(const struct layer *l, const number *input, int o, int y, int x) {
  const int kh = l->kernel_h, kw = l->kernel_w, s = l->factor, b = l->border;
  int64_t sum = bias_of(l, o);
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

static int64_t interpolated(const struct layer *l, const number *plane, int y, int x) {
  const int f = l->factor;
  const number *wy = l->weight + y % f * 5, *wx = l->weight + x % f * 5;
  int64_t sum = 0;
  int i, j;
  for (i = 0; i < 5; ++i)
    for (j = 0; j < 5; ++j) sum += (int64_t)wy[i] * wx[j] * nearest(l, plane, y / f + i - 2, x / f + j - 2);
  return sum;
}

static int64_t sum_of(const struct layer *l, const number *input, const number *other, int o, int y, int x) {
  const int plane = l->height * l->width, at = y * l->width + x, s = l->factor;
  switch (l->op) {
    case CONVOLUTION: return convolved(l, input, o, y, x);
    case TRANSPOSED_CONVOLUTION: return transposed(l, input, o, y, x);
    case DEPTH_TO_SPACE: return input[((o * s + y % s) * s + x % s) * plane + y / s * l->width + x / s] - l->zero;
    case ADDITION:
      return (int64_t)l->scale * (input[(l->inputs == 1 ? 0 : o) * plane + at] - l->zero) +
             (int64_t)l->other_scale * (other[(l->other_inputs == 1 ? 0 : o) * plane + at] - l->other_zero);
    default: return interpolated(l, input + o * plane, y, x);
  }
}

static int64_t clamped(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

/* value / 2^shift rounded down: an arithmetic shift to the right. */
static int64_t down(int64_t value, int shift) { return value < 0 ? ~(~value >> shift) : value >> shift; }

/* int8: (sum * multiplier + 2^(shift - 1)) >> shift is the sum rescaled and rounded, halves up. */
static number requantised(const struct layer *l, int o, int64_t sum) {
  const number *r = l->rescale + 4 * o + (sum < 0 ? 2 : 0);
  const int64_t value = down(sum * r[0] + ((int64_t)1 << (r[1] - 1)), r[1]);
  if (l->activation == TANH) return l->table[clamped(value + 128, 0, 255)];
  return (number)clamped(value + l->output_zero, l->low, l->high);
}

/* Fixed point: value / 2^shift, rounded. */
static int64_t rounded(const struct layer *l, int64_t value, int shift) {
  const int64_t one = (int64_t)1 << shift, below = down(value, shift), rest = value - below * one;
  switch (l->rounding) {
    case HALF_UP: return below + (2 * rest >= one);
    case HALF_EVEN: return below + (2 * rest > one || (2 * rest == one && below % 2 != 0));
    case TOWARD_ZERO: return below + (value < 0 && rest > 0);
    default: return below;
  }
}

/* Fixed point: as a word. */
static int64_t fitted(const struct layer *l, int64_t value) {
  const int64_t half = (int64_t)1 << (l->bits - 1);
  if (l->wrap) return value - down(value + half, l->bits) * 2 * half;
  return clamped(value, -half, half - 1);
}

static int64_t tanh_of(const struct layer *l, int64_t value) {
  const double one = (double)((int64_t)1 << l->fraction_bits);
  const double t = tanh((double)value / one) * one;
  switch (l->rounding) {
    case DOWN: return (int64_t)floor(t);
    case TOWARD_ZERO: return (int64_t)t;
    default: return (int64_t)floor(t + 0.5); /* there are no halves */
  }
}

static number as_word(const struct layer *l, int o, int64_t sum) {
  int64_t value = fitted(l, rounded(l, sum, l->shift));
  switch (l->activation) {
    case RELU: value = value < 0 ? 0 : value; break;
    case PRELU:
      if (value < 0) value = fitted(l, rounded(l, value * l->slope[l->slopes == 1 ? 0 : o], l->fraction_bits));
      break;
    case TANH: value = fitted(l, tanh_of(l, value)); break;
    default: break;
  }
  return (number)clamped(value, l->low, l->high);
}

void layer(const struct layer *l, const number *input, const number *other, number *output) {
  int o, y, x;
  for (o = 0; o < l->outputs; ++o)
    for (y = 0; y < l->factor * l->height; ++y)
      for (x = 0; x < l->factor * l->width; ++x) {
        const int64_t sum = sum_of(l, input, other, o, y, x);
        *output++ = l->is_int8 ? requantised(l, o, sum) : as_word(l, o, sum);
      }
}
