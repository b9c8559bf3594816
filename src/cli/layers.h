/* SPDX-License-Identifier: Apache-2.0 */
/* The time of each kernel of a model. */
#ifndef CLI_LAYERS_H
#define CLI_LAYERS_H

#include "cli/session.h"

struct layer {
  const char *name, *template_name;
  double ms, flops;
};

struct layers {
  struct layer *items; /* in the order they run */
  size_t count;
  double total_ms;
};

/* Means over `runs` profiled runs, after one that is not counted. */
enum adze_status layers_measure(struct session *session, int runs,
                                struct layers *out,
                                struct adze_error *error) ADZE_MUST_USE;
/* Floating-point operations of one run, as compiled. */
double layers_flops(const adze_model *model);
/* A table on stdout: kernel, template, ms, GFLOP/s, share of the time. */
void layers_print(const struct layers *layers);
/* The slowest first. */
void layers_sort(struct layers *layers);

#endif
