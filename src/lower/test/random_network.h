/* SPDX-License-Identifier: Apache-2.0 */
/* Test support: small networks with random weights, planned, scheduled with
 * random knobs and lowered; the flat code, interpreted, is compared with the
 * operators' own expressions. */
#ifndef LOWER_TEST_RANDOM_NETWORK_H
#define LOWER_TEST_RANDOM_NETWORK_H

#include "test.h"

#include "pass/plan.h"

#define NETWORK_SYMBOLS 2 /* height and width */

struct network {
  bool is_chain; /* heights and widths are open in one of two runs */
  bool is_open;  /* height and width of rank 4 inputs */
  int64_t sizes[NETWORK_SYMBOLS];
  struct arena *arena;
  struct graph *graph;
  struct machine machine;
  struct adze_error error;
  uint32_t seed;
};

/* How often a template took a group. */
size_t network_uses(const char *name);
/* How many groups had their rows and columns regrouped. */
extern size_t network_regrouped;

/* ---- Making one --------------------------------------------------------- */
/* Blocks of 4, 8 and 16 channels. */
extern const char *const network_targets[3];
void network_start(struct network *net, uint32_t seed, const char *target);
int64_t network_pick(struct network *net, int64_t low, int64_t high);
/* f32; heights and widths of rank 4 are open where the network is. */
struct value *network_input(struct network *net, size_t rank,
                            const int64_t *dims);
/* Random numbers in [-1, 1]. */
struct value *network_constant(struct network *net, size_t rank,
                               const int64_t *dims);
struct value *network_apply(struct network *net, const struct op_def *op,
                            struct value **inputs, size_t count);
struct value *network_unary(struct network *net, const struct op_def *op,
                            struct value *x);
struct value *network_binary(struct network *net, const struct op_def *op,
                             struct value *a, struct value *b);
/* A node without attributes yet; infer when it has them. */
struct value *network_add_node(struct network *net, const struct op_def *op,
                               struct value **inputs, size_t count,
                               struct node **out);
struct value *network_infer_node(struct network *net, struct node *node);

struct conv_spec {
  int64_t out, kernel[2], stride[2], dilation[2], pads[4], group;
};
/* A square kernel of odd size whose output is as large as its input. */
struct conv_spec network_same_conv(int64_t out, int64_t kernel);
struct value *network_conv(struct network *net, const struct op_def *op,
                           struct value *x, const struct conv_spec *spec,
                           bool bias);

/* Means or maxima of these windows. */
struct value *network_windows(struct network *net, struct value *x,
                              const struct conv_spec *spec, bool average);
/* Maxima or means of windows of at most so many rows and columns; small ones
 * fit whatever comes before. */
struct value *network_pool(struct network *net, struct value *x, int64_t most);

/* What is left of each image, [N, C, 1, 1]; `op` is of reduce_mean's family. */
struct value *network_global(struct network *net, const struct op_def *op,
                             struct value *x);

size_t network_count_nodes(const struct network *net, const struct op_def *op);

/* ---- Running it --------------------------------------------------------- */
float *network_random_data(struct network *net, const struct value *value,
                           size_t *count);
/* By the operators' own expressions; all dimensions known. */
const float *network_reference(struct network *net, const float *in,
                               const struct value *output);
/* By kernels; each trace is replayed too. */
const float *network_run_plan(struct network *net, float *in, size_t in_count);
void network_compare(const float *actual, const float *expected, size_t count);
/* Compares both. */
void network_check(struct network *net, struct value *output);
/* Compares both, and frees the network. */
void network_finish(struct network *net, struct value *output);

#endif
