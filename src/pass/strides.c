/* SPDX-License-Identifier: Apache-2.0 */
/* A 1x1 convolution with a stride reads some places of some rows. Where tiles
 * fill the rows of its output badly and would fill rows of another length well
 * (schedule/regroup.h), the places that it reads are copied out first: then it
 * has no stride, and its rows may be of any length.
 */
#include "pass/pass.h"
#include "pass/plan.h"
#include "schedule/tile.h"
#include "schedule/window.h"

/* Cycles to copy a vector, and how many times what copying costs must be
 * gained: some of what the model sees is memory's time instead. */
enum { COPY_CYCLES = 4, LEAST_GAIN = 4 };

static bool reads_halo(const struct node *node) {
  struct window2d window;
  if (node->op == &op_conv)
    return !window2d_of_conv(node, &window) || window.kernel[0] > 1 ||
           window.kernel[1] > 1;
  return node->op == &op_conv_transpose || node->op == &op_max_pool ||
         node->op == &op_average_pool;
}

/* Whether nobody wants zeros around what is computed along with the value. */
static bool stays_dense(const struct graph_users *users,
                        const struct value *value) {
  enum { MOST_STEPS = 16 };
  for (int step = 0; step < MOST_STEPS; step++) {
    const struct node *next = NULL;
    for (size_t i = 0; i < users->counts[value->id]; i++) {
      const struct node *user = users->nodes[value->id][i];
      if (reads_halo(user))
        return false;
      if (user->op->fusion == FUSION_ELEMENTWISE)
        next = user;
    }
    if (users->counts[value->id] != 1 || !next)
      return true;
    value = next->outputs[0];
  }
  return false;
}

static bool is_worth_it(const struct plan *plan, const struct window2d *window,
                        const struct value *out) {
  const struct machine *machine = plan->machine;
  int64_t height = value_dim(out, 2), width = value_dim(out, 3);
  if (height < 1 || width < 1)
    return false;
  int64_t places = height * width;
  int64_t blocks = ceil_div(window->out_channels, plan->block);
  int64_t best = tile_row_length(machine, height, width, blocks);
  double gain = tile_rows_cycles(machine, places, width, blocks) -
                tile_rows_cycles(machine, places, best, blocks);
  double copy = (double)places / (double)plan->block * COPY_CYCLES;
  return gain > copy * LEAST_GAIN; /* both for each channel of the input */
}

/* The places of `x` that the convolution reads. */
static enum adze_status add_places(struct plan *plan, struct value *x,
                                   const struct window2d *window,
                                   struct value **out) {
  struct graph *graph = plan->graph;
  const int64_t starts[2] = {0, 0}, axes[2] = {2, 3};
  const int64_t ends[2] = {value_dim(x, 2), value_dim(x, 3)};
  struct node *node = graph_add_node(graph, &op_slice, NULL, &x, 1, 1);
  node_set_ints(graph, node, "starts", starts, 2);
  node_set_ints(graph, node, "ends", ends, 2);
  node_set_ints(graph, node, "axes", axes, 2);
  node_set_ints(graph, node, "steps", window->stride, 2);
  TRY(node_infer(graph, node, plan->error));
  *out = node->outputs[0];
  return ADZE_OK;
}

static enum adze_status without_stride(struct plan *plan,
                                       const struct node *conv,
                                       const struct window2d *window,
                                       struct value **out) {
  struct graph *graph = plan->graph;
  struct value *inputs[3] = {NULL};
  for (size_t i = 1; i < conv->input_count; i++)
    inputs[i] = conv->inputs[i];
  TRY(add_places(plan, conv->inputs[0], window, &inputs[0]));
  struct node *node =
      graph_add_node(graph, &op_conv, conv->name, inputs, conv->input_count, 1);
  TRY(node_infer(graph, node, plan->error));
  *out = node->outputs[0];
  return ADZE_OK;
}

enum adze_status plan_strides(struct plan *plan) {
  struct graph *graph = plan->graph;
  struct graph_users users = graph_find_users(graph, plan->arena);
  struct graph_rewrite rewrite = graph_rewrite_begin(graph);
  size_t nodes = graph->nodes.count, changed = 0;
  for (size_t i = 0; i < nodes; i++) {
    const struct node *node = graph->nodes.data[i];
    struct window2d window, dense;
    struct value *out;
    if (!window2d_of_conv(node, &window))
      continue;
    dense = window;
    dense.stride[0] = dense.stride[1] = 1;
    if (window2d_is_pointwise(&window) || !window2d_is_pointwise(&dense) ||
        !stays_dense(&users, node->outputs[0]) ||
        !is_worth_it(plan, &window, node->outputs[0]))
      continue;
    TRY(without_stride(plan, node, &window, &out));
    graph_rewrite_value(&rewrite, node->outputs[0], out);
    changed++;
  }
  if (changed)
    graph_rewrite_end(&rewrite);
  return ADZE_OK;
}
