/* SPDX-License-Identifier: Apache-2.0 */
/* Every template on random networks, for blocks of 4, 8 and 16 channels: with
 * epilogues of all kinds, awkward extents, open heights and widths. */
#include "lower/test/random_network.h"

/* ---- Networks ----------------------------------------------------------- */
static struct conv_spec random_conv(struct network *net, int64_t group) {
  struct conv_spec spec = {.out = group * network_pick(net, 1, 20),
                           .group = group};
  for (int i = 0; i < 2; i++) {
    spec.kernel[i] = network_pick(net, 1, 4);
    spec.stride[i] = network_pick(net, 1, 2);
    spec.dilation[i] = network_pick(net, 1, 2);
    spec.pads[i] = network_pick(net, 0, 2);
    spec.pads[2 + i] = network_pick(net, 0, 2);
  }
  return spec;
}

static void test_convolutions(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 24; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[4] = {network_pick(&net, 1, 2), network_pick(&net, 1, 20),
                       network_pick(&net, 8, 12), network_pick(&net, 8, 20)};
    struct value *x = network_input(&net, 4, dims);
    struct conv_spec first = random_conv(&net, 1), second;
    x = network_unary(&net, &op_relu,
                      network_conv(&net, &op_conv, x, &first, true));
    second = random_conv(&net, 1);
    network_finish(&net, network_conv(&net, &op_conv, x, &second, false));
  }
}

static void test_groups(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 12; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t group = seed % 2 ? 2 : network_pick(&net, 3, 20);
    int64_t each = seed % 2 ? 16 : 1;
    int64_t dims[4] = {1, group * each, 9, 13};
    struct conv_spec spec = random_conv(&net, group);
    spec.out = group * each;
    struct value *x = network_input(&net, 4, dims);
    network_finish(&net,
                   network_unary(&net, &op_tanh,
                                 network_conv(&net, &op_conv, x, &spec, true)));
  }
}

static void test_transposed(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 18; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[4] = {1, network_pick(&net, 1, 20), network_pick(&net, 3, 6),
                       network_pick(&net, 3, 9)};
    struct conv_spec spec = random_conv(&net, 1);
    for (int i = 0; i < 2; i++) {
      spec.dilation[i] = 1;
      spec.kernel[i] = spec.stride[i] + network_pick(&net, 0, 2);
      spec.pads[i] = network_pick(&net, 0, spec.kernel[i] - 1) / 2;
      spec.pads[2 + i] = spec.pads[i];
    }
    if (seed % 2) /* depthwise */
      spec.group = spec.out = dims[1];
    struct value *x = network_input(&net, 4, dims);
    network_finish(&net, network_unary(&net, &op_relu,
                                       network_conv(&net, &op_conv_transpose, x,
                                                    &spec, true)));
  }
}

static void test_pointwise_depthwise(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 12; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[4] = {network_pick(&net, 1, 2), network_pick(&net, 8, 40),
                       network_pick(&net, 5, 20), network_pick(&net, 5, 33)};
    struct conv_spec one = network_same_conv(network_pick(&net, 2, 40), 1);
    struct conv_spec each = random_conv(&net, one.out);
    each.out = one.out;
    struct value *x =
        network_conv(&net, &op_conv, network_input(&net, 4, dims), &one, true);
    for (uint32_t i = 0; i < seed % 3; i++)
      x = network_unary(&net, i ? &op_tanh : &op_relu, x);
    x = network_conv(&net, &op_conv, x, &each, seed % 2);
    network_finish(&net, network_unary(&net, &op_relu, x));
  }
}

/* Images that don't stay in half of a small L2 cache. */
static void test_depthwise_pointwise(void **state) {
  (void)state;
  static const char *const machines[] = {"llvm -mcpu=x86-64",
                                         "llvm -mcpu=haswell -num-cores=3"};
  for (uint32_t seed = 0; seed < 10; seed++) {
    struct network net;
    network_start(&net, seed, machines[seed % 2]);
    int64_t dims[4] = {network_pick(&net, 1, 2), network_pick(&net, 25, 40),
                       network_pick(&net, 36, 45), network_pick(&net, 36, 45)};
    struct conv_spec each = network_same_conv(dims[1], 3);
    each.group = dims[1];
    struct conv_spec narrow = network_same_conv(network_pick(&net, 8, 40), 1);
    struct value *x = network_conv(&net, &op_conv, network_input(&net, 4, dims),
                                   &each, seed % 3 != 1);
    for (uint32_t i = 0; i < seed % 3; i++)
      x = network_unary(&net, i ? &op_tanh : &op_relu, x);
    x = network_conv(&net, &op_conv, x, &narrow, seed % 2);
    network_finish(&net, seed % 4 ? network_unary(&net, &op_relu, x) : x);
    assert_int_equal(network_uses("conv_depthwise_pointwise"), seed + 1);
  }
}

static void test_residual(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 6; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t channels = network_pick(&net, 1, 40);
    int64_t dims[4] = {1, channels, network_pick(&net, 5, 9),
                       network_pick(&net, 5, 17)};
    struct conv_spec same = network_same_conv(channels, 3);
    struct value *x = network_input(&net, 4, dims);
    struct value *a = network_conv(&net, &op_conv, x, &same, true);
    struct value *b = network_conv(
        &net, &op_conv, network_unary(&net, &op_relu, a), &same, true);
    network_finish(&net, network_unary(&net, &op_relu,
                                       network_binary(&net, &op_add, b, a)));
  }
}

static void test_concat(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 6; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[4] = {1, 16, 7, 11};
    struct conv_spec three = network_same_conv(16, 3);
    struct conv_spec one = network_same_conv(seed % 2 ? 16 : 5, 1);
    struct value *x = network_input(&net, 4, dims), *parts[3];
    parts[0] = network_conv(&net, &op_conv, x, &three, true);
    parts[1] = network_conv(&net, &op_conv, parts[0], &one, true);
    struct node *shorter =
        graph_add_node(net.graph, &op_concat, NULL, parts, 2, 1);
    node_set_int(shorter, "axis", 1);
    assert_int_equal(node_infer(net.graph, shorter, &net.error), ADZE_OK);
    parts[2] = network_conv(&net, &op_conv, shorter->outputs[0], &three, false);
    struct node *longer =
        graph_add_node(net.graph, &op_concat, NULL, parts, 3, 1);
    node_set_int(longer, "axis", 1);
    assert_int_equal(node_infer(net.graph, longer, &net.error), ADZE_OK);
    network_finish(
        &net, network_conv(&net, &op_conv, longer->outputs[0], &three, true));
  }
}

static struct value *part_of(struct network *net, struct value *x,
                             int64_t start, int64_t end) {
  struct node *node = graph_add_node(net->graph, &op_slice, NULL, &x, 1, 1);
  node_set_ints(net->graph, node, "starts", &start, 1);
  node_set_ints(net->graph, node, "ends", &end, 1);
  node_set_ints(net->graph, node, "axes", &(int64_t){1}, 1);
  return network_infer_node(net, node);
}

/* 1x1 convolutions of one value, with one activation or another: as one where
 * that pays, and their parts as a convolution, a sum or a copy wants them. */
static void test_siblings(void **state) {
  (void)state;
  size_t merged = 0, apart = 0;
  for (uint32_t seed = 0; seed < 24; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[4] = {network_pick(&net, 1, 2), 24, 5, 9};
    int64_t sides = network_pick(&net, 2, 4), last = 0;
    struct conv_spec three = network_same_conv(6, 3);
    struct conv_spec one = network_same_conv(48, 1);
    struct value *sum = NULL, *part,
                 *x = network_unary(&net, &op_relu,
                                    network_conv(&net, &op_conv,
                                                 network_input(&net, 4, dims),
                                                 &one, true));
    for (int64_t i = 0; i < sides; i++) {
      one.out = network_pick(&net, 1, 20);
      part = network_conv(&net, &op_conv, x, &one, network_pick(&net, 0, 1));
      last = network_pick(&net, 0, 3);
      if (seed % 2 || last == 1)
        part = network_unary(&net, last && seed % 4 > 1 ? &op_tanh : &op_relu,
                             part);
      part = network_conv(&net, &op_conv, part, &three, false);
      sum = sum ? network_binary(&net, &op_add, sum, part) : part;
    }
    size_t before = network_count_nodes(&net, &op_conv);
    network_check(&net, sum);
    bool fewer = network_count_nodes(&net, &op_conv) < before;
    merged += fewer;
    apart += !fewer;
    arena_destroy(net.arena);
  }
  assert_true(merged > 8 && apart > 0);
}

/* Parts of channels are places in the whole where they start with a block, and
 * copies elsewhere; lanes behind the last channel are never used. */
static void test_parts(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 18; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[4] = {1, 12, 6, 7}, start = network_pick(&net, 0, 5) * 4;
    struct conv_spec spec = network_same_conv(48, 3);
    struct value *whole =
        network_conv(&net, &op_conv, network_input(&net, 4, dims), &spec, true);
    struct value *a =
        part_of(&net, whole, start, start + network_pick(&net, 1, 6) * 4);
    struct value *b = part_of(&net, whole, 16, 48);
    spec.out = network_pick(&net, 5, 20);
    a = network_conv(&net, &op_conv, a, &spec, true);
    b = network_conv(&net, &op_conv,
                     seed % 2 ? network_unary(&net, &op_tanh, b) : b, &spec,
                     true);
    network_finish(&net, network_binary(&net, &op_add, a, b));
  }
}

static void test_dense(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 12; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[2] = {seed % 4 ? network_pick(&net, 2, 30) : 1,
                       network_pick(&net, 1, 40)};
    int64_t weights[2] = {dims[1], network_pick(&net, 1, 150)};
    int64_t bias = weights[1];
    struct value *x = network_input(&net, 2, dims);
    x = network_binary(&net, &op_matmul, x, network_constant(&net, 2, weights));
    network_finish(&net, network_binary(&net, &op_add, x,
                                        network_constant(&net, 1, &bias)));
  }
}

/* ---- Reductions --------------------------------------------------------- */
static struct value *random_input(struct network *net, size_t rank,
                                  int64_t longest) {
  int64_t dims[GRAPH_MAX_RANK];
  for (size_t i = 0; i < rank; i++)
    dims[i] = network_pick(net, 1, network_pick(net, 0, 3) ? 6 : longest);
  return network_input(net, rank, dims);
}

/* Something elementwise behind it, with an operand that is broadcast. */
static struct value *epilogue(struct network *net, struct value *x) {
  int64_t dims[GRAPH_MAX_RANK];
  size_t rank = x->rank - (size_t)network_pick(net, 0, (int64_t)x->rank);
  for (size_t i = 0; i < rank; i++)
    dims[i] = network_pick(net, 0, 1) ? value_dim(x, i + x->rank - rank) : 1;
  switch (network_pick(net, 0, 3)) {
  case 0:
    return x;
  case 1:
    return network_unary(net, &op_sigmoid, x);
  case 2:
    return network_binary(net, &op_mul, x, network_constant(net, rank, dims));
  default:
    return network_unary(
        net, &op_tanh,
        network_binary(net, &op_add, network_constant(net, rank, dims), x));
  }
}

static struct value *normalize(struct network *net, struct value *x) {
  struct value *inputs[3] = {x, NULL, NULL};
  struct node *node;
  int64_t axis = network_pick(net, 0, (int64_t)x->rank - 1),
          dims[GRAPH_MAX_RANK];
  switch (network_pick(net, 0, 3)) {
  case 0:
    network_add_node(net, &op_softmax, inputs, 1, &node);
    node_set_int(node, "flatten", network_pick(net, 0, 1));
    break;
  case 1:
    network_add_node(net, &op_log_softmax, inputs, 1, &node);
    break;
  case 2:
    for (size_t i = (size_t)axis; i < x->rank; i++)
      dims[i - (size_t)axis] = net->is_chain ? 1 : value_dim(x, i);
    inputs[1] = network_constant(net, x->rank - (size_t)axis, dims);
    inputs[2] = network_constant(net, 1, &dims[x->rank - 1 - (size_t)axis]);
    network_add_node(net, &op_layer_norm, inputs, 3, &node);
    break;
  default:
    if (x->rank < 3)
      return x;
    dims[0] = value_dim(x, 1);
    inputs[1] = network_constant(net, 1, dims);
    inputs[2] = network_constant(net, 1, dims);
    network_add_node(net, &op_instance_norm, inputs, 3, &node);
    return network_infer_node(net, node);
  }
  node_set_int(node, "axis", axis);
  return network_infer_node(net, node);
}

static struct value *reduce(struct network *net, struct value *x) {
  static const struct op_def *const ops[] = {
      &op_reduce_sum, &op_reduce_mean, &op_reduce_max,         &op_reduce_min,
      &op_reduce_l2,  &op_reduce_l1,   &op_reduce_log_sum_exp, &op_reduce_prod};
  struct node *node;
  int64_t axes[GRAPH_MAX_RANK];
  size_t count = 0;
  network_add_node(net, ops[network_pick(net, 0, ARRAY_COUNT(ops) - 1)], &x, 1,
                   &node);
  for (int64_t i = 0; i < (int64_t)x->rank; i++)
    if (network_pick(net, 0, 1) || (count == 0 && i + 1 == (int64_t)x->rank))
      axes[count++] = network_pick(net, 0, 1) ? i : i - (int64_t)x->rank;
  node_set_ints(net->graph, node, "axes", axes, count);
  node_set_int(node, "keepdims", network_pick(net, 0, 1));
  return network_infer_node(net, node);
}

static void test_normalizations(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 90; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    struct value *x = random_input(&net, (size_t)network_pick(&net, 1, 4),
                                   seed % 2 ? 150 : 40);
    x = normalize(&net, x);
    network_finish(&net, epilogue(&net, x));
  }
}

static void test_reductions(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 90; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    struct value *x = random_input(&net, (size_t)network_pick(&net, 1, 4),
                                   seed % 2 ? 150 : 40);
    x = reduce(&net, x);
    network_finish(&net, epilogue(&net, x));
  }
}

/* Of a convolution's result, which lies in blocks. */
static void test_blocked_reductions(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 36; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[4] = {network_pick(&net, 1, 2), network_pick(&net, 1, 20),
                       network_pick(&net, 1, 9), network_pick(&net, 1, 20)};
    struct conv_spec spec = network_same_conv(network_pick(&net, 1, 40), 1);
    struct value *x =
        network_conv(&net, &op_conv, network_input(&net, 4, dims), &spec, true);
    x = seed % 2 ? normalize(&net, x) : reduce(&net, x);
    network_finish(&net, epilogue(&net, x));
  }
}

/* ---- Pooling ------------------------------------------------------------ */
static void test_pooling(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 60; seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    int64_t dims[4] = {network_pick(&net, 1, 2), network_pick(&net, 1, 20),
                       network_pick(&net, 11, 13), network_pick(&net, 11, 37)};
    struct conv_spec spec = network_same_conv(network_pick(&net, 1, 40), 1);
    struct value *x = network_input(&net, 4, dims);
    if (seed % 4)
      x = network_conv(&net, &op_conv, x, &spec, true);
    if (seed % 3)
      x = network_unary(&net, seed % 2 ? &op_relu : &op_sigmoid, x);
    x = epilogue(&net, network_pool(&net, x, 6));
    network_finish(&net, x);
  }
}

/* ---- Chains: what follows what, with heights and widths open or not ----- */
static struct value *same_conv(struct network *net, struct value *x,
                               int64_t out, int64_t group, int64_t kernel) {
  int64_t pad = kernel / 2;
  struct conv_spec spec = {.out = out,
                           .kernel = {kernel, kernel},
                           .stride = {1, 1},
                           .dilation = {1, 1},
                           .pads = {pad, pad, pad, pad},
                           .group = group};
  return network_conv(net, &op_conv, x, &spec, network_pick(net, 0, 1));
}

/* An operand of every kind of broadcasting: a scalar, [C,1,1], [N,C,1,1],
 * [1,C,1,1], one computed for each channel, and a whole value. */
static struct value *operand(struct network *net, struct value *x) {
  int64_t dims[4] = {value_dim(x, 0), value_dim(x, 1), 1, 1};
  switch (network_pick(net, 0, 5)) {
  case 0:
    return network_constant(net, 0, NULL);
  case 1:
    return network_constant(net, 3, dims + 1);
  case 2:
    return network_constant(net, 4, dims);
  case 3:
    dims[0] = 1;
    return network_constant(net, 4, dims);
  case 4:
    return network_unary(net, &op_sigmoid,
                         network_global(net, &op_reduce_mean, x));
  default:
    return same_conv(net, x, value_dim(x, 1), 1, 3);
  }
}

static struct value *elementwise(struct network *net, struct value *x) {
  static const struct op_def *const unaries[] = {
      &op_relu, &op_sigmoid, &op_tanh, &op_hard_swish, &op_leaky_relu};
  static const struct op_def *const binaries[] = {&op_add, &op_mul, &op_sub,
                                                  &op_max};
  int64_t count = network_pick(net, 0, 2);
  for (int64_t i = 0; i < count; i++) {
    if (network_pick(net, 0, 1)) {
      x = network_unary(
          net, unaries[network_pick(net, 0, ARRAY_COUNT(unaries) - 1)], x);
      continue;
    }
    struct value *other = operand(net, x);
    const struct op_def *op =
        binaries[network_pick(net, 0, ARRAY_COUNT(binaries) - 1)];
    x = network_pick(net, 0, 1) ? network_binary(net, op, x, other)
                                : network_binary(net, op, other, x);
  }
  return x;
}

static struct value *extend(struct network *net, struct value *x) {
  int64_t channels = value_dim(x, 1);
  struct conv_spec up = {.out = network_pick(net, 1, 20),
                         .kernel = {4, 4},
                         .stride = {2, 2},
                         .dilation = {1, 1},
                         .pads = {1, 1, 1, 1},
                         .group = 1};
  struct node *node;
  switch (network_pick(net, 0, 8)) {
  case 0:
    return same_conv(net, x, network_pick(net, 1, 40), 1, 1);
  case 1:
    return same_conv(net, x, network_pick(net, 1, 40), 1, 3);
  case 2:
    return same_conv(net, x, channels, channels, 3);
  case 3: /* the pair that one template takes */
    x = network_unary(
        net, &op_relu,
        same_conv(net, x, channels = network_pick(net, 17, 40), 1, 1));
    return same_conv(net, x, channels, channels, 3);
  case 4:
    return network_conv(net, &op_conv_transpose, x, &up, true);
  case 5:
    return network_pool(net, x, 2);
  case 6:
    return normalize(net, x);
  case 7:
    network_add_node(net, &op_softmax, &x, 1, &node);
    node_set_int(node, "axis", network_pick(net, 0, 1) ? 1 : -1);
    return network_infer_node(net, node);
  default:
    return reduce(net, x);
  }
}

static struct value *chain(struct network *net) {
  int64_t dims[4] = {network_pick(net, 1, 2), network_pick(net, 1, 20),
                     network_pick(net, 11, 14), network_pick(net, 11, 23)};
  net->is_chain = true;
  struct value *x = network_input(net, 4, dims);
  for (int64_t i = network_pick(net, 1, 3); i > 0 && x->rank == 4; i--) {
    x = extend(net, x);
    if (x->rank == 4)
      x = elementwise(net, x);
  }
  return x;
}

static void test_chains(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < (test_small() ? 20 : 60); seed++) {
    struct network net;
    network_start(&net, seed, network_targets[seed % 3]);
    network_finish(&net, chain(&net));
  }
}

/* The same network with open height and width, run at the first one's sizes. */
static void test_open_chains(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < (test_small() ? 20 : 60); seed++) {
    struct network closed, open;
    size_t in_count, count;
    network_start(&closed, seed, network_targets[seed % 3]);
    struct value *output = chain(&closed);
    network_start(&open, seed, network_targets[seed % 3]);
    open.is_open = true;
    vec_push(open.arena, &open.graph->outputs, chain(&open));
    float *in =
        network_random_data(&closed, closed.graph->inputs.data[0], &in_count);
    assert_true(value_count(output, &count));
    const float *expected = network_reference(&closed, in, output);
    network_compare(network_run_plan(&open, in, in_count), expected, count);
    arena_destroy(closed.arena);
    arena_destroy(open.arena);
  }
}

/* Rows that tiles fill badly; im2col_test.c has more of them. */
static void test_gathered_places(void **state) {
  (void)state;
  struct network net;
  network_start(&net, 1, "llvm -mcpu=haswell");
  int64_t dims[4] = {1, 48, 14, 14};
  struct conv_spec spec = {.out = 128,
                           .kernel = {2, 2},
                           .stride = {2, 2},
                           .dilation = {1, 1},
                           .group = 1};
  struct value *x = network_input(&net, 4, dims);
  x = network_conv(&net, &op_conv, x, &spec, true);
  network_finish(&net, network_unary(&net, &op_relu, x));
}

/* fused_pool_test.c has more of them. */
static void test_conv_pool(void **state) {
  (void)state;
  struct network net;
  network_start(&net, 1, "llvm -mcpu=haswell");
  int64_t dims[4] = {1, 3, 83, 91};
  struct conv_spec spec = {.out = 24,
                           .kernel = {3, 3},
                           .stride = {2, 2},
                           .dilation = {1, 1},
                           .group = 1};
  struct value *x = network_input(&net, 4, dims);
  x = network_conv(&net, &op_conv, x, &spec, true);
  network_finish(&net, network_pool(&net, x, 3));
}

/* strassen_test.c has more of these. */
static void test_strassen(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 2; seed++) {
    struct network net;
    network_start(&net, seed, "llvm -mcpu=znver3 -num-cores=1");
    const int64_t dims[4] = {1, 320, 7, 8};
    struct conv_spec each = network_same_conv(320, 3);
    struct conv_spec narrow = network_same_conv(1024, 1);
    each.group = 320;
    struct value *x = network_input(&net, 4, dims);
    if (seed)
      x = network_conv(&net, &op_conv, x, &each, true);
    network_finish(&net, network_conv(&net, &op_conv, x, &narrow, true));
  }
}

/* winograd_test.c has more of these. */
static void test_phases(void **state) {
  (void)state;
  struct network net;
  network_start(&net, 0, network_targets[0]);
  const int64_t dims[4] = {1, 20, 13, 12};
  struct conv_spec spec = {.out = 20,
                           .kernel = {4, 4},
                           .stride = {2, 2},
                           .dilation = {1, 1},
                           .pads = {1, 1, 1, 1},
                           .group = 1};
  struct value *x = network_input(&net, 4, dims);
  network_finish(&net, network_conv(&net, &op_conv_transpose, x, &spec, true));
}

static void test_templates_used(void **state) {
  (void)state;
  for (size_t i = 0; i < template_table_count; i++)
    if (network_uses(template_table[i]->name) == 0)
      fail_msg("no group for %s", template_table[i]->name);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_convolutions),
      cmocka_unit_test(test_groups),
      cmocka_unit_test(test_transposed),
      cmocka_unit_test(test_pointwise_depthwise),
      cmocka_unit_test(test_depthwise_pointwise),
      cmocka_unit_test(test_residual),
      cmocka_unit_test(test_concat),
      cmocka_unit_test(test_siblings),
      cmocka_unit_test(test_parts),
      cmocka_unit_test(test_dense),
      cmocka_unit_test(test_normalizations),
      cmocka_unit_test(test_reductions),
      cmocka_unit_test(test_blocked_reductions),
      cmocka_unit_test(test_pooling),
      cmocka_unit_test(test_chains),
      cmocka_unit_test(test_open_chains),
      cmocka_unit_test(test_gathered_places),
      cmocka_unit_test(test_conv_pool),
      cmocka_unit_test(test_strassen),
      cmocka_unit_test(test_phases),
      cmocka_unit_test(test_templates_used),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
