/* Reads the vectors beside it and checks layer() of layer.c against them, each layer on the expected outputs of those
   that it reads. In C or in C++:

     cc -O2 check.c layer.c -o check -lm && ./check [TOLERANCE]

   TOLERANCE is the largest difference that is accepted: for float32 relative to the layer's largest expected value (default
   1e-5), for integers in steps (default 0). -DTOLERANCE=1e-4 changes the default.
   Exit code 0: every layer agrees; 1: one differs; 2: a file cannot be read, or TOLERANCE is no number. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layer.h"
#include "table.h"

#ifndef TOLERANCE
#define TOLERANCE (FORM == FORM_WORDS ? 0 : 1e-5)
#endif

static void give_up(const char *path, const char *why) {
  fprintf(stderr, "%s: %s\n", path, why);
  exit(2);
}

#if FORM == FORM_NPY
static void read_values(const char *path, int bits, number *to, long count) {
  unsigned char start[10];
  FILE *file = fopen(path, "rb");
  (void)bits;
  if (!file) give_up(path, "cannot be opened");
  if (fread(start, 1, 10, file) != 10 || memcmp(start, "\x93NUMPY\x01", 7) != 0) give_up(path, "is no .npy file");
  fseek(file, 10 + start[8] + 256 * start[9], SEEK_SET);
  if (fread(to, sizeof(number), (size_t)count, file) != (size_t)count) give_up(path, "ends too early");
  fclose(file);
}
#else
static number number_of(const char *word, int bits) {
#if FORM == FORM_TEXT
  (void)bits;
  return (number)strtod(word, NULL);
#elif FORM == FORM_MEM
  uint32_t digits = (uint32_t)strtoul(word, NULL, 16);
  number value;
  (void)bits;
  memcpy(&value, &digits, sizeof(value));
  return value;
#else /* two's complement of so many bits; below 0: without a sign */
  const int count = bits < 0 ? -bits : bits;
  const int64_t period = (int64_t)1 << count;
  const int64_t value = (int64_t)strtoul(word, NULL, 16) & (period - 1);
  return (number)(bits > 0 && value >= period / 2 ? value - period : value);
#endif
}

/* Numbers in a text; comments go to the end of their line. */
static void read_values(const char *path, int bits, number *to, long count) {
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
    to[i++] = number_of(word, bits);
  }
  fclose(file);
}
#endif

/* A file, or, if its name has "%d", one for each of the first two axes; zeros if it has no name. */
static number *load(const char *pattern, int bits, long a, long b, long each) {
  char path[512];
  const long count = a * b * each;
  long i;
  number *values = (number *)calloc((size_t)(count > 0 ? count : 1), sizeof(number));
  if (!values) give_up(pattern, "needs too much memory");
  if (strchr(pattern, '%')) {
    for (i = 0; i < a * b; ++i) {
      snprintf(path, sizeof(path), pattern, (int)(i / b), (int)(i % b));
      read_values(path, bits, values + i * each, each);
    }
  } else if (count > 0 && *pattern) {
    read_values(pattern, bits, values, count);
  }
  return values;
}

#if FORM == FORM_WORDS
static void load_parameters(struct layer *l, const struct entry *e) {
  l->weight = load(e->weight, e->weight_bits, 1, 1, e->weights);
  l->bias = load(e->bias, e->bias_bits, 1, 1, l->outputs);
  l->slope = load(e->slope, e->bias_bits, 1, 1, l->slopes);
  l->rescale = load(e->rescale, 32, 1, 1, 4L * l->outputs);
  l->table = load(e->table, VALUE_BITS, 1, 1, 256);
}

static void release(struct layer *l) {
  free((void *)l->weight), free((void *)l->bias), free((void *)l->slope), free((void *)l->rescale);
  free((void *)l->table);
}
#else
static number *scaled(number *values, long count, float scale) {
  long i;
  for (i = 0; i < count; ++i) values[i] *= scale;
  return values;
}

static void load_parameters(struct layer *l, const struct entry *e) {
  const int transposed = l->op == TRANSPOSED_CONVOLUTION;
  const long a = transposed ? l->inputs : l->outputs, b = transposed ? l->outputs : l->inputs / l->groups;
  const long each = (long)l->kernel_h * l->kernel_w; /* 0: the layer has no weight */
  l->weight = scaled(load(e->weight, 0, a, b, each), a * b * each, e->weight_scale);
  l->bias = scaled(load(e->bias, 0, l->outputs, 1, 1), l->outputs, e->bias_scale);
  l->slope = scaled(load(e->slope, 0, l->slopes, 1, 1), l->slopes, e->slope_scale);
}

static void release(struct layer *l) { free((void *)l->weight), free((void *)l->bias), free((void *)l->slope); }
#endif

static void print_place(const struct layer *l, const char *what, long i, const number *output, const number *expected) {
  const long width = (long)l->factor * l->width, height = (long)l->factor * l->height;
  printf("  %s at channel %ld, row %ld, column %ld: %.9g, expected %.9g\n", what, i / width / height, i / width % height,
         i % width, (double)output[i], (double)expected[i]);
}

/* Whether the layer is right. */
static int check(const struct entry *e, double tolerance) {
  struct layer l = e->layer;
  const long plane = (long)l.height * l.width, count = (long)l.outputs * l.factor * l.factor * plane;
  number *input, *other, *output, *expected;
  double worst = 0, largest = 0, allowed;
  long i, worst_at = 0, first = -1, differ = 0;
  load_parameters(&l, e);
  input = load(e->input, VALUE_BITS, 1, 1, l.inputs * plane);
  other = load(e->other, VALUE_BITS, 1, 1, l.other_inputs * plane);
  expected = load(e->expected, VALUE_BITS, 1, 1, count);
  output = (number *)calloc((size_t)count, sizeof(number));
  if (!output) give_up(e->expected, "needs too much memory");
  layer(&l, input, other, output);
  for (i = 0; i < count; ++i)
    if (fabs((double)expected[i]) > largest) largest = fabs((double)expected[i]);
  allowed = FORM == FORM_WORDS ? tolerance : tolerance * largest;
  for (i = 0; i < count; ++i) {
    double d = output[i] == expected[i] ? 0 : fabs((double)output[i] - (double)expected[i]);
    if (!(d < INFINITY)) d = INFINITY; /* NaN must not hide */
    if (d > worst) worst = d, worst_at = i;
    if (d > allowed && differ++ == 0) first = i;
  }
  printf("%-22s largest difference %.3g of %.3g%s\n", l.name, worst, largest, differ ? "  DIFFERS" : "");
  if (differ) {
    printf("  %ld of %ld values differ by more than %.3g\n", differ, count, allowed);
    print_place(&l, "first", first, output, expected);
    print_place(&l, "worst", worst_at, output, expected);
  }
  release(&l);
  free(input), free(other), free(expected), free(output);
  return differ == 0;
}

int main(int count, char **words) {
  double tolerance = TOLERANCE;
  int differs = 0;
  size_t n;
  if (count > 1) {
    char *end;
    tolerance = strtod(words[1], &end);
    if (count > 2 || *end || end == words[1] || !(tolerance >= 0))
      give_up(words[1], "is not what ./check [TOLERANCE] takes: one number, 0 or more");
  }
  for (n = 0; n < sizeof(table) / sizeof(table[0]); ++n)
    if (!check(&table[n], tolerance)) differs = 1;
  return differs;
}
