/* SPDX-License-Identifier: Apache-2.0 */
/* 1x1 convolutions of the same value become one, whose parts are what they
 * were: the value is fetched once for all of them, and a few channels that
 * would fill tiles badly fill them together with others.
 *
 * An activation that follows each of them alike follows the one. What else
 * would have been computed along with one of them is a kernel afterwards, so
 * that must be little beside what is saved. Left out is what other merging is
 * worth more to: operands of a concatenation, which lie in its result, and
 * those that a depthwise convolution follows.
 *
 * Each part starts at a block of channels, so that it is no copy but a place in
 * the whole (place.c); channels between have weights of zero.
 */
#include <string.h>

#include "base/text.h"
#include "pass/pass.h"
#include "pass/plan.h"
#include "schedule/window.h"

enum { MOST_SIBLINGS = 16, MOST_TAIL = 4 };

struct sibling {
  struct node *conv;
  struct window2d window;
  struct node *tail[MOST_TAIL]; /* activations that only the next one uses */
  const char *tail_keys[MOST_TAIL];
  size_t tail_count;
  bool goes_on; /* more would be computed along with it */
  bool is_taken;
};

struct merging {
  struct plan *plan;
  struct graph_users users;
  struct graph_rewrite rewrite;
  size_t merged;
};

/* ---- Who could be one ---------------------------------------------------- */
/* A function of each element and of numbers. */
static bool is_activation(const struct node *node, const struct value *x) {
  if (node->op->fusion != FUSION_ELEMENTWISE || node->output_count != 1 ||
      node->outputs[0]->dtype != ADZE_F32 ||
      !value_same_shape(x, node->outputs[0]))
    return false;
  for (size_t i = 0; i < node->input_count; i++) {
    const struct value *in = node->inputs[i];
    if (in && in != x && (!in->constant || in->constant->count != 1))
      return false;
  }
  return true;
}

static bool wants_its_place(const struct merging *merging,
                            const struct value *value) {
  for (size_t i = 0; i < merging->users.counts[value->id]; i++) {
    const struct node *user = merging->users.nodes[value->id][i];
    struct window2d window;
    if (user->op == &op_concat ||
        (window2d_of_conv(user, &window) && window2d_is_depthwise(&window)))
      return true;
  }
  return false;
}

static bool read_sibling(const struct merging *merging, struct node *conv,
                         struct sibling *out) {
  struct arena *arena = merging->plan->arena;
  *out = (struct sibling){.conv = conv};
  if (!window2d_of_conv(conv, &out->window) ||
      !window2d_is_pointwise(&out->window) || out->window.groups != 1)
    return false;
  const struct value *end = conv->outputs[0];
  struct node *user = graph_only_user(&merging->users, end);
  while (user && is_activation(user, end) && out->tail_count < MOST_TAIL) {
    out->tail_keys[out->tail_count] = pass_node_key(arena, user, end);
    out->tail[out->tail_count++] = user;
    end = user->outputs[0];
    user = graph_only_user(&merging->users, end);
  }
  out->goes_on = user && user->op->fusion == FUSION_ELEMENTWISE;
  return !wants_its_place(merging, end);
}

static bool same_window(const struct window2d *a, const struct window2d *b) {
  for (int axis = 0; axis < 2; axis++)
    if (a->stride[axis] != b->stride[axis] ||
        a->before[axis] != b->before[axis] || a->after[axis] != b->after[axis])
      return false;
  return true;
}

/* ---- Which ones ---------------------------------------------------------- */
/* How many activations all have alike. */
static size_t common_tail(struct sibling *const *set, size_t count) {
  for (size_t t = 0; t < MOST_TAIL; t++)
    for (size_t i = 0; i < count; i++)
      if (t >= set[i]->tail_count ||
          strcmp(set[i]->tail_keys[t], set[0]->tail_keys[t]) != 0)
        return t;
  return MOST_TAIL;
}

/* Channels that are read once more or less; each position has as many. */
static bool is_worth_it(struct sibling *const *set, size_t count) {
  size_t tail = common_tail(set, count);
  int64_t lost = 0;
  for (size_t i = 0; i < count; i++)
    if (set[i]->tail_count > tail || set[i]->goes_on)
      lost += 2 * set[i]->window.out_channels;
  return count > 1 &&
         lost * 2 <= (int64_t)(count - 1) * set[0]->window.in_channels;
}

/* The first one that is left and those like it; with `alike`, of the same first
 * activation only. */
static size_t pick(struct sibling *siblings, size_t count, bool alike,
                   struct sibling **set) {
  size_t picked = 0;
  for (size_t i = 0; i < count; i++) {
    struct sibling *sibling = &siblings[i];
    if (sibling->is_taken ||
        (picked && !same_window(&sibling->window, &set[0]->window)))
      continue;
    if (alike && picked &&
        (sibling->tail_count == 0) != (set[0]->tail_count == 0))
      continue;
    if (alike && picked && sibling->tail_count &&
        strcmp(sibling->tail_keys[0], set[0]->tail_keys[0]) != 0)
      continue;
    set[picked++] = sibling;
  }
  return picked;
}

/* ---- Making one of them -------------------------------------------------- */
static int64_t padded_channels(const struct merging *merging,
                               const struct sibling *sibling) {
  int64_t block = merging->plan->block;
  return ceil_div(sibling->window.out_channels, block) * block;
}

/* Weights and biases one after the other, zeros between. */
static void join_weights(struct merging *merging, struct sibling *const *set,
                         size_t count, struct value **weights,
                         struct value **bias) {
  struct graph *graph = merging->plan->graph;
  int64_t channels = 0, in = set[0]->window.in_channels;
  for (size_t i = 0; i < count; i++)
    channels += padded_channels(merging, set[i]);
  float *w = ARENA_ARRAY(graph->arena, float, (size_t)(channels * in));
  float *b = ARENA_ARRAY(graph->arena, float, (size_t)channels);
  int64_t first = 0;
  for (size_t i = 0; i < count; i++) {
    const struct node *conv = set[i]->conv;
    memcpy(w + first * in, conv->inputs[1]->constant->data,
           conv->inputs[1]->constant->bytes); /* of any alignment */
    if (conv->input_count > 2 && conv->inputs[2])
      memcpy(b + first, conv->inputs[2]->constant->data,
             conv->inputs[2]->constant->bytes);
    first += padded_channels(merging, set[i]);
  }
  const int64_t dims[4] = {channels, in, 1, 1};
  *weights = graph_add_constant_borrowed(graph, NULL, ADZE_F32, dims, 4, w);
  *bias = graph_add_constant_borrowed(graph, NULL, ADZE_F32, dims, 1, b);
}

/* A node like another one, on other inputs. */
static enum adze_status add_like(struct merging *merging,
                                 const struct node *like, const char *name,
                                 struct value *const *inputs, size_t count,
                                 struct value **out) {
  struct graph *graph = merging->plan->graph;
  struct node *node = graph_add_node(graph, like->op, name, inputs, count, 1);
  node->attributes = like->attributes;
  TRY(node_infer(graph, node, merging->plan->error));
  *out = node->outputs[0];
  return ADZE_OK;
}

static enum adze_status add_part(struct merging *merging, struct value *whole,
                                 int64_t first, const struct value *old,
                                 struct value **out) {
  struct graph *graph = merging->plan->graph;
  int64_t axis = 1, end = first + value_dim(old, 1);
  struct node *node = graph_add_node(graph, &op_slice, old->name, &whole, 1, 1);
  node_set_ints(graph, node, "starts", &first, 1);
  node_set_ints(graph, node, "ends", &end, 1);
  node_set_ints(graph, node, "axes", &axis, 1);
  TRY(node_infer(graph, node, merging->plan->error));
  map_set_key(&merging->plan->sibling_parts, node->id + 1, node);
  *out = node->outputs[0];
  return ADZE_OK;
}

static const char *joined_name(const struct merging *merging,
                               struct sibling *const *set, size_t count) {
  struct text name = {.arena = merging->plan->arena};
  for (size_t i = 0; i < count; i++)
    text_format(&name, "%s%s", i ? "|" : "", set[i]->conv->name);
  return text_string(&name);
}

static enum adze_status merge(struct merging *merging,
                              struct sibling *const *set, size_t count) {
  struct value *inputs[3] = {set[0]->conv->inputs[0]}, *whole, *part;
  size_t tail = common_tail(set, count);
  join_weights(merging, set, count, &inputs[1], &inputs[2]);
  TRY(add_like(merging, set[0]->conv, joined_name(merging, set, count), inputs,
               3, &whole));
  for (size_t t = 0; t < tail; t++) {
    const struct node *node = set[0]->tail[t];
    struct value **operands =
        ARENA_ARRAY(merging->plan->arena, struct value *, node->input_count);
    const struct value *x =
        t ? set[0]->tail[t - 1]->outputs[0] : set[0]->conv->outputs[0];
    for (size_t i = 0; i < node->input_count; i++)
      operands[i] = node->inputs[i] == x ? whole : node->inputs[i];
    TRY(add_like(merging, node, node->name, operands, node->input_count,
                 &whole));
  }
  int64_t first = 0;
  for (size_t i = 0; i < count; i++) {
    struct value *old =
        tail ? set[i]->tail[tail - 1]->outputs[0] : set[i]->conv->outputs[0];
    TRY(add_part(merging, whole, first, old, &part));
    graph_rewrite_value(&merging->rewrite, old, part);
    first += padded_channels(merging, set[i]);
    set[i]->is_taken = true;
  }
  merging->merged++;
  return ADZE_OK;
}

static enum adze_status merge_users(struct merging *merging,
                                    const struct value *value) {
  struct sibling *siblings = NULL, *set[MOST_SIBLINGS];
  size_t count = 0, users = merging->users.counts[value->id];
  if (users < 2)
    return ADZE_OK;
  siblings = ARENA_ARRAY(merging->plan->arena, struct sibling, MOST_SIBLINGS);
  for (size_t i = 0; i < users && count < MOST_SIBLINGS; i++) {
    struct node *node = merging->users.nodes[value->id][i];
    count += node->op == &op_conv && node->inputs[0] == value &&
             read_sibling(merging, node, &siblings[count]);
  }
  for (int alike = 0; alike < 2; alike++)
    for (size_t i = 0; i < count; i++) {
      size_t picked = siblings[i].is_taken
                          ? 0
                          : pick(siblings + i, count - i, alike == 1, set);
      if (is_worth_it(set, picked))
        TRY(merge(merging, set, picked));
    }
  return ADZE_OK;
}

enum adze_status plan_siblings(struct plan *plan) {
  struct graph *graph = plan->graph;
  struct merging merging = {.plan = plan,
                            .users = graph_find_users(graph, plan->arena),
                            .rewrite = graph_rewrite_begin(graph)};
  size_t nodes = graph->nodes.count;
  map_init(&plan->sibling_parts, plan->arena);
  for (size_t i = 0; i < graph->inputs.count; i++)
    TRY(merge_users(&merging, graph->inputs.data[i]));
  for (size_t i = 0; i < nodes; i++) {
    const struct node *node = graph->nodes.data[i];
    for (size_t o = 0; o < node->output_count; o++)
      if (node->outputs[o])
        TRY(merge_users(&merging, node->outputs[o]));
  }
  if (merging.merged)
    graph_rewrite_end(&merging.rewrite);
  return ADZE_OK;
}
