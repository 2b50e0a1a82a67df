/* Plain loops, to be replaced by your own: cc -O2 check.c YOURS.c -o check -lm && ./check */
#include "layer.h"

static float pixel(const struct layer *l, const float *plane, int y, int x) {
  if (y < 0 || x < 0 || y >= l->height || x >= l->width) {
    if (!l->replicate) return 0;
    y = y < 0 ? 0 : y >= l->height ? l->height - 1 : y;
    x = x < 0 ? 0 : x >= l->width ? l->width - 1 : x;
  }
  return plane[y * l->width + x];
}

static float convolved(const struct layer *l, const float *input, int o, int y, int x) {
  float sum = l->bias[o];
  int i, ky, kx, k = l->kernel;
  for (i = 0; i < l->inputs; ++i)
    for (ky = 0; ky < k; ++ky)
      for (kx = 0; kx < k; ++kx)
        sum += l->weight[((o * l->inputs + i) * k + ky) * k + kx] *
               pixel(l, input + i * l->height * l->width, y + ky - k / 2, x + kx - k / 2);
  return sum;
}

static float deconvolved(const struct layer *l, const float *input, int y, int x) {
  float sum = l->bias[0];
  int i, ky, kx, k = l->kernel, s = l->scale, b = l->border;
  for (i = 0; i < l->inputs; ++i)
    for (ky = (y + 4) % s; ky < k; ky += s)
      for (kx = (x + 4) % s; kx < k; kx += s) {
        int iy = (y + 4 - ky) / s, ix = (x + 4 - kx) / s; /* both without remainder */
        if (iy < -b || ix < -b || iy >= l->height + b || ix >= l->width + b) continue;
        iy = iy < 0 ? 0 : iy >= l->height ? l->height - 1 : iy;
        ix = ix < 0 ? 0 : ix >= l->width ? l->width - 1 : ix;
        sum += l->weight[(i * k + ky) * k + kx] * input[(i * l->height + iy) * l->width + ix];
      }
  return sum;
}

void layer(const struct layer *l, const float *input, float *output) {
  int o, y, x, s = l->scale;
  if (l->kind == CONVOLUTION) {
    for (o = 0; o < l->outputs; ++o)
      for (y = 0; y < l->height; ++y)
        for (x = 0; x < l->width; ++x) {
          float v = convolved(l, input, o, y, x);
          if (l->slopes > 0 && v < 0) v *= l->slope[l->slopes == 1 ? 0 : o];
          *output++ = v;
        }
    return;
  }
  for (y = 0; y < s * l->height; ++y)
    for (x = 0; x < s * l->width; ++x) {
      float v = l->kind == DECONVOLUTION ? deconvolved(l, input, y, x)
                                         : convolved(l, input, y % s * s + x % s, y / s, x / s);
      *output++ = v < 0 ? 0 : v > 1 ? 1 : v;
    }
}
