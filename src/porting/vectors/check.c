/* Reads the vectors beside it and checks layer() of layer.c against them, each layer on the expected output of the one
   before: cc -O2 check.c layer.c -o check -lm && ./check
   Exit code 0: every layer agrees; 1: one differs; 2: a file cannot be read. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layer.h"
#include "table.h"

static void give_up(const char *path, const char *why) {
  fprintf(stderr, "%s: %s\n", path, why);
  exit(2);
}

#if FORM == FORM_NPY
static void read_values(const char *path, float *to, long count) {
  unsigned char start[10];
  FILE *file = fopen(path, "rb");
  if (!file) give_up(path, "cannot be opened");
  if (fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY\x01", 7) != 0) give_up(path, "is no .npy file");
  fseek(file, 10 + start[8] + 256 * start[9], SEEK_SET);
  if (fread(to, sizeof(float), count, file) != (size_t)count) give_up(path, "ends too early");
  fclose(file);
}
#else
/* Numbers in a text, decimal or (FORM_MEM) a float32's bits in hexadecimal; comments go to the end of their line. */
static void read_values(const char *path, float *to, long count) {
  char word[64];
  long i = 0;
  int length, c = 0;
  FILE *file = fopen(path, "r");
  if (!file) give_up(path, "cannot be opened");
  while (i < count) {
    do c = fgetc(file);
    while (c == ' ' || c == '\n' || c == '\r' || c == '\t');
    if (c == '#' || c == '/') {
      while (c != '\n' && c != EOF) c = fgetc(file);
      continue;
    }
    for (length = 0; c != EOF && c > ' ' && length < 63; c = fgetc(file)) word[length++] = (char)c;
    word[length] = 0;
    if (length == 0) give_up(path, "ends too early");
#if FORM == FORM_MEM
    {
      uint32_t bits = (uint32_t)strtoul(word, NULL, 16);
      memcpy(&to[i++], &bits, sizeof(bits));
    }
#else
    to[i++] = (float)strtod(word, NULL);
#endif
  }
  fclose(file);
}
#endif

/* A file, or, if its name has "%d", one for each of the first two axes. */
static float *load(const char *pattern, int a, int b, long each, float scale) {
  char path[512];
  long i, count = (long)a * b * each;
  float *values = malloc(sizeof(float) * (count > 0 ? count : 1));
  if (!values) give_up(pattern, "needs too much memory");
  if (strchr(pattern, '%')) {
    for (i = 0; i < (long)a * b; ++i) {
      snprintf(path, sizeof(path), pattern, (int)(i / b), (int)(i % b));
      read_values(path, values + i * each, each);
    }
  } else if (count > 0) {
    read_values(pattern, values, count);
  }
  for (i = 0; i < count; ++i) values[i] *= scale;
  return values;
}

int main(void) {
  int differs = 0;
  size_t n;
  for (n = 0; n < sizeof(table) / sizeof(table[0]); ++n) {
    const struct entry *e = &table[n];
    struct layer l;
    long i, in_count = (long)e->inputs * HEIGHT * WIDTH, out_count;
    float *input, *output, *expected, worst = 0, largest = 0;
    long worst_at = 0;
    memset(&l, 0, sizeof(l));
    l.name = e->name, l.kind = e->kind, l.inputs = e->inputs, l.outputs = e->outputs, l.kernel = e->kernel;
    l.scale = SCALE, l.replicate = REPLICATE, l.border = BORDER, l.height = HEIGHT, l.width = WIDTH, l.slopes = e->slopes;
    l.weight = l.kind == DECONVOLUTION
                   ? load(e->weight, l.inputs, l.outputs, (long)l.kernel * l.kernel, e->weight_scale)
                   : load(e->weight, l.outputs, l.inputs, (long)l.kernel * l.kernel, e->weight_scale);
    l.bias = load(e->bias, l.outputs, 1, 1, e->bias_scale);
    l.slope = load(e->slope, l.slopes, 1, 1, e->slope_scale);
    out_count = l.kind == CONVOLUTION ? (long)l.outputs * HEIGHT * WIDTH : (long)SCALE * SCALE * HEIGHT * WIDTH;
    input = load(e->input, 1, 1, in_count, 1);
    expected = load(e->expected, 1, 1, out_count, 1);
    output = calloc(out_count, sizeof(float));
    if (!output) give_up(e->expected, "needs too much memory");
    layer(&l, input, output);
    for (i = 0; i < out_count; ++i) {
      float d = output[i] == expected[i] ? 0 : fabsf(output[i] - expected[i]);
      if (!(d < INFINITY)) d = INFINITY; /* NaN must not hide */
      if (d > worst) worst = d, worst_at = i;
      if (fabsf(expected[i]) > largest) largest = fabsf(expected[i]);
    }
    if (!(worst <= 1e-5f * largest)) differs = 1;
    printf("%-22s largest difference %.3g of %.3g%s\n", e->name, worst, largest,
           worst <= 1e-5f * largest ? "" : "  DIFFERS");
    if (!(worst <= 1e-5f * largest)) {
      printf("  worst at value %ld: %.9g, expected %.9g\n", worst_at, output[worst_at], expected[worst_at]);
    }
    free((void *)l.weight), free((void *)l.bias), free((void *)l.slope), free(input), free(expected), free(output);
  }
  return differs;
}
