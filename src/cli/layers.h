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
  double peak; /* GFLOP/s that the machine can on as many threads; 0 unknown */
};

/* Means over `runs` profiled runs, after one that is not counted; what `out`
 * points to lies in the arena, which may outlive the session. */
enum adze_status layers_measure(struct arena *arena, struct session *session,
                                int runs, double peak, struct layers *out,
                                struct adze_error *error) ADZE_MUST_USE;
/* 0 where the number of operations or the peak is unknown. */
double layer_gflops(const struct layer *layer);
double layer_peak_share(const struct layers *layers, const struct layer *layer);
/* Of the time of all. */
double layer_share(const struct layers *layers, const struct layer *layer);
/* Floating-point operations of one run, as compiled. */
double layers_flops(const adze_model *model);
/* A table on stdout: ms, share of the time, GFLOP/s, share of the peak,
 * template, kernel. */
void layers_print(const struct layers *layers);
/* The slowest first. */
void layers_sort(struct layers *layers);

#endif
