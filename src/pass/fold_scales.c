/* SPDX-License-Identifier: Apache-2.0 */
/* What multiplies or shifts the channels of a convolution by constants goes
 * into its weights and bias: batch normalisation, Mul and Add. A batch
 * normalisation that follows something else becomes one Mul and one Add.
 *
 *   scale[k] = s[k] / sqrt(variance[k] + epsilon)
 *   y = x*scale + (b - mean*scale)
 */
#include <math.h>
#include <string.h>

#include "pass/pass.h"

struct folding {
  struct graph *graph;
  struct graph_rewrite rewrite;
  struct graph_users users; /* of the first known_values values */
  size_t known_values;
  struct adze_error *error;
};

/* A per-channel scale and shift; either may be NULL. */
struct affine {
  int64_t channels;
  double *scale, *shift;
};

static bool all_constant(const struct node *node, size_t first) {
  for (size_t i = first; i < node->input_count; i++)
    if (!node->inputs[i] || !node->inputs[i]->constant)
      return false;
  return true;
}

static bool affine_of_batch_norm(struct folding *folding,
                                 const struct node *node,
                                 struct affine *out) {
  if (node->op != &op_batch_norm || !all_constant(node, 1) ||
      value_dim(node->inputs[1], 0) < 1)
    return false;
  struct arena *arena = folding->graph->arena;
  double epsilon = node_float(node, "epsilon");
  out->channels = value_dim(node->inputs[1], 0);
  out->scale = ARENA_ARRAY(arena, double, (size_t)out->channels);
  out->shift = ARENA_ARRAY(arena, double, (size_t)out->channels);
  for (size_t k = 0; k < (size_t)out->channels; k++) {
    double variance = constant_real(node->inputs[4]->constant, k);
    out->scale[k] = constant_real(node->inputs[1]->constant, k) /
                    sqrt(variance + epsilon);
    out->shift[k] = constant_real(node->inputs[2]->constant, k) -
                    constant_real(node->inputs[3]->constant, k) *
                        out->scale[k];
  }
  return true;
}

/* Whether a constant holds one number per channel of a value of this rank
 * (broadcast as numpy does), or a single one. */
static bool is_per_channel(const struct constant *constant, size_t rank,
                           int64_t channels) {
  if (constant->count == 1)
    return constant->rank <= rank;
  if (constant->count != (size_t)channels || constant->rank + 1 < rank ||
      constant->rank > rank)
    return false;
  return constant->dims[constant->rank - (rank - 1)] == channels;
}

/* Mul or Add of input `x` with a constant. */
static bool affine_of_elementwise(struct folding *folding,
                                  const struct node *node,
                                  const struct value **x,
                                  struct affine *out) {
  if (node->op != &op_mul && node->op != &op_add)
    return false;
  size_t other = node->inputs[1]->constant ? 1 : 0;
  const struct constant *constant = node->inputs[other]->constant;
  *x = node->inputs[1 - other];
  out->channels = (*x)->rank >= 2 ? value_dim(*x, 1) : -1;
  if (!constant || (*x)->constant || out->channels < 1 ||
      !value_same_shape(*x, node->outputs[0]) ||
      !is_per_channel(constant, (*x)->rank, out->channels))
    return false;
  double *numbers =
      ARENA_ARRAY(folding->graph->arena, double, (size_t)out->channels);
  for (size_t k = 0; k < (size_t)out->channels; k++)
    numbers[k] = constant_real(constant, constant->count == 1 ? 0 : k);
  if (node->op == &op_mul)
    out->scale = numbers;
  else
    out->shift = numbers;
  return true;
}

/* The convolution that makes `value` for one user only, or NULL. */
static struct node *foldable_conv(const struct folding *folding,
                                  const struct value *value) {
  struct node *conv = value->producer;
  if (!conv || value->id >= folding->known_values || /* made by this pass */
      !graph_only_user(&folding->users, value) ||
      (conv->op != &op_conv && conv->op != &op_conv_transpose))
    return NULL;
  if (conv->op == &op_conv_transpose && node_int(conv, "group") != 1)
    return NULL;
  const struct value *w = conv->inputs[1];
  bool bias_ok = conv->input_count < 3 || !conv->inputs[2] ||
                 conv->inputs[2]->constant;
  return w->constant && w->dtype == ADZE_F32 && bias_ok ? conv : NULL;
}

/* Weights are [K, C, …], those of transposed convolutions [C, K, …]; either
 * way rows of `inner` elements of one k follow each other. Rounded once. */
static void scale_weights(struct graph *graph, struct node *conv,
                          const double *scale) {
  const struct constant *w = conv->inputs[1]->constant;
  float *scaled = ARENA_ARRAY(graph->arena, float, w->count);
  size_t axis = conv->op == &op_conv ? 0 : 1, inner = 1;
  for (size_t d = axis + 1; d < w->rank; d++)
    inner *= (size_t)w->dims[d];
  size_t channels = (size_t)w->dims[axis];
  memcpy(scaled, w->data, w->bytes); /* of any alignment */
  for (size_t row = 0; row < w->count / inner; row++)
    for (size_t i = 0; i < inner; i++) {
      float *element = &scaled[row * inner + i];
      *element = (float)(*element * scale[row % channels]);
    }
  conv->inputs[1] = graph_add_constant_borrowed(graph, NULL, ADZE_F32, w->dims,
                                                w->rank, scaled);
}

static void fold_into_conv(struct folding *folding, struct node *conv,
                           const struct affine *affine) {
  struct graph *graph = folding->graph;
  const struct value *old =
      conv->input_count > 2 ? conv->inputs[2] : NULL;
  float *bias = ARENA_ARRAY(graph->arena, float, (size_t)affine->channels);
  for (size_t k = 0; k < (size_t)affine->channels; k++) {
    double value = old ? constant_real(old->constant, k) : 0;
    if (affine->scale)
      value *= affine->scale[k];
    if (affine->shift)
      value += affine->shift[k];
    bias[k] = (float)value;
  }
  if (affine->scale)
    scale_weights(graph, conv, affine->scale);
  if (conv->input_count < 3) {
    struct value **inputs = ARENA_ARRAY(graph->arena, struct value *, 3);
    for (size_t i = 0; i < conv->input_count; i++)
      inputs[i] = conv->inputs[i];
    conv->inputs = inputs;
    conv->input_count = 3;
  }
  conv->inputs[2] = graph_add_constant_borrowed(graph, NULL, ADZE_F32,
                                                &affine->channels, 1, bias);
}

/* x*scale + shift as nodes. */
static enum adze_status as_elementwise(struct folding *folding,
                                       const struct node *node,
                                       const struct affine *affine) {
  struct graph *graph = folding->graph;
  const struct value *x = node->inputs[0];
  int64_t dims[GRAPH_MAX_RANK];
  if (x->rank < 2 || x->dtype != ADZE_F32)
    return ADZE_OK;
  for (size_t d = 0; d < x->rank; d++)
    dims[d] = d == 1 ? affine->channels : 1;
  struct value *result = node->inputs[0];
  const double *numbers[2] = {affine->scale, affine->shift};
  const struct op_def *ops[2] = {&op_mul, &op_add};
  for (size_t i = 0; i < 2; i++) {
    float *data = ARENA_ARRAY(graph->arena, float, (size_t)affine->channels);
    for (size_t k = 0; k < (size_t)affine->channels; k++)
      data[k] = (float)numbers[i][k];
    struct value *inputs[2] = {
        result, graph_add_constant_borrowed(graph, NULL, ADZE_F32, dims,
                                            x->rank, data)};
    struct node *made =
        graph_add_node(graph, ops[i], node->name, inputs, 2, 1);
    TRY(node_infer(graph, made, folding->error));
    result = made->outputs[0];
  }
  graph_rewrite_value(&folding->rewrite, node->outputs[0], result);
  return ADZE_OK;
}

/* The convolution takes the place of the node that is folded into it, users
 * included. */
static void take_place(struct folding *folding, const struct value *made,
                       struct value *folded) {
  folding->users.nodes[made->id] = folding->users.nodes[folded->id];
  folding->users.counts[made->id] = folding->users.counts[folded->id];
  folding->users.is_output[made->id] = folding->users.is_output[folded->id];
  graph_rewrite_value(&folding->rewrite, folded, made->producer->outputs[0]);
}

static enum adze_status fold_node(struct folding *folding,
                                  struct node *node) {
  struct affine affine = {.channels = 0};
  const struct value *x = NULL;
  bool is_norm = affine_of_batch_norm(folding, node, &affine);
  if (is_norm)
    x = node->inputs[0];
  else if (!affine_of_elementwise(folding, node, &x, &affine))
    return ADZE_OK;
  struct node *conv = foldable_conv(folding, x);
  if (conv && value_dim(x, 1) == affine.channels) {
    fold_into_conv(folding, conv, &affine);
    take_place(folding, x, node->outputs[0]);
    return ADZE_OK;
  }
  return is_norm ? as_elementwise(folding, node, &affine) : ADZE_OK;
}

enum adze_status pass_fold_scales(struct graph *graph,
                                  struct adze_error *error) {
  struct folding folding = {.graph = graph,
                            .rewrite = graph_rewrite_begin(graph),
                            .users = graph_find_users(graph, graph->arena),
                            .known_values = graph->value_count,
                            .error = error};
  size_t count = graph->nodes.count;
  for (size_t i = 0; i < count; i++) {
    graph_rewrite_operands(&folding.rewrite, graph->nodes.data[i]);
    TRY(fold_node(&folding, graph->nodes.data[i]));
  }
  graph_rewrite_end(&folding.rewrite);
  return ADZE_OK;
}
