/* SPDX-License-Identifier: Apache-2.0 */
/* What `adze bench` measures of one model. */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli/layers.h"
#include "cli/statistics.h"

struct bench_row {
  const char *model; /* path as typed */
  int threads;       /* of all instances together */
  int instances;     /* that ran at once */
  struct statistics ms;
  double fps;           /* runs per second, of all instances together */
  double gflops;        /* GFLOP/s at that rate; 0 when unknown */
  double peak_share;    /* of this machine's measured peak; 0 when unknown */
  struct layers layers; /* with --layers */
};

/* The members of a row in JSON, X(name, value of struct bench_row *row). */
#define BENCH_JSON_NUMBERS(X)                                                  \
  X(mean_ms, row->ms.mean)                                                     \
  X(median_ms, row->ms.median)                                                 \
  X(p90_ms, row->ms.p90)                                                       \
  X(p99_ms, row->ms.p99)                                                       \
  X(max_ms, row->ms.max)                                                       \
  X(min_ms, row->ms.min)                                                       \
  X(std_ms, row->ms.std)                                                       \
  X(fps, row->fps)                                                             \
  X(gflops, row->gflops)                                                       \
  X(peak_share, row->peak_share)

/* The same of a layer: struct layers *layers, const struct layer *layer. */
#define BENCH_JSON_LAYER_NUMBERS(X)                                            \
  X(ms, layer->ms)                                                             \
  X(share, layer_share(layers, layer))                                         \
  X(gflops, layer_gflops(layer))                                               \
  X(peak_share, layer_peak_share(layers, layer))

#endif
